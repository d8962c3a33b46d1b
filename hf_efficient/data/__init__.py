"""Rows: loading, splitting, columns, labels, and encoding with a cache on disk."""

from hf_efficient.data.columns import Roles, resolve_columns
from hf_efficient.data.encode import Encoded, Texts, encode_texts
from hf_efficient.data.load import load_table, load_tables

__all__ = ["Encoded", "Roles", "Texts", "encode_texts", "load_table", "load_tables", "resolve_columns"]
