"""Models: loading, and whether they fit their tokenizer."""

from hf_efficient.models.checks import max_length_of
from hf_efficient.models.load import Loaded, load_model, load_tokenizer

__all__ = ["Loaded", "load_model", "load_tokenizer", "max_length_of"]
