"""Rows where they lie: read whole, or a table at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hf_efficient.data.file_stream import CHUNK, stream_file
from hf_efficient.data.files import first_line, read_file
from hf_efficient.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset


class Shard(Protocol):
    """A part of the rows of a split."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def read(self) -> Dataset:
        """All its rows.

        Raises:
            DataError: rows that can't be read.
        """
        ...

    def tables(self, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
        """Its rows in order, some at a time: all columns, or those of `schema`.

        Raises:
            DataError: rows that can't be read.
        """
        ...


@dataclass(frozen=True)
class FileShard:
    """A data file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self) -> Dataset:
        """All its rows; see `read_file`."""
        return read_file(self.path)

    def tables(self, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
        """Its rows in order; see `stream_file`."""
        return stream_file(self.path, schema)


@dataclass(frozen=True)
class DatasetShard:
    """Rows that the datasets library has loaded, or streams."""

    name: str
    rows: Any
    """`datasets.Dataset` or `datasets.IterableDataset`."""

    def read(self) -> Dataset:
        """All its rows."""
        from datasets import Dataset, concatenate_datasets

        if isinstance(self.rows, Dataset):
            return self.rows
        return concatenate_datasets([Dataset(table) for table in self.tables()])

    def tables(self, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
        """Its rows in order."""
        import pyarrow as pa
        from datasets.exceptions import DatasetsError

        # Unlike `iter(rows)`, `rows.iter` leaves nothing out in a worker of a data loader (datasets 5.2).
        tables = self.rows.with_format("arrow").iter(batch_size=CHUNK)
        features = self.rows.features  # the names of classes are not in the tables
        try:
            for table in tables:
                typed = table if features is None else table.cast(features.arrow_schema)
                wanted = typed.column_names if schema is None else schema.names
                yield typed.select([name for name in wanted if name in typed.column_names])
        except (DatasetsError, OSError, RuntimeError, pa.ArrowInvalid) as error:
            raise DataError(
                f"{self.name}: its rows can't be read on: {first_line(error)}; start the same command again to go on "
                "from the newest checkpoint"
            ) from error


Shards = tuple[Shard, ...]


def read(shards: Shards) -> Dataset:
    """All rows of a split."""
    from datasets import concatenate_datasets

    tables = [shard.read() for shard in shards]
    return tables[0] if len(tables) == 1 else concatenate_datasets(tables)
