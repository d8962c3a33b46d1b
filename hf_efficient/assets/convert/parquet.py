"""Rows on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def write_parquet(rows: Iterable[DataclassInstance], path: Path) -> None:
    """Write one row a value, one column a field."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: list[dict[str, Any]] = [asdict(row) for row in rows]
    pq.write_table(pa.Table.from_pylist(columns), path)
