"""What was computed once for each row of a data set, kept on disk: shared by every run, epoch and process.

Values lie in groups of rows of a fixed composition, so that a group that is computed again is the same bit for bit. A
group is whole and matches its checksum, or it is not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from hf_efficient.errors import HfEfficientError

Key = bytes
Value = NDArray[Any]
"""What was computed of a row: some vectors, e.g. logits (1, classes), or hidden states (tokens, width)."""

ROWS_OF_GROUP = 1024
_NUM_MAPPED: Final = 64
"""Groups that are mapped into memory at a time: each map holds a file open, of which a process may have few."""
SHARE_OF_FREE_DISK = 0.9
"""What a cache may fill of the disk: the run has checkpoints to write, too."""


def row_key(row: Mapping[str, NDArray[Any]]) -> Key:
    """A hash of one encoded row: names, types, shapes and content of what a model is fed."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(row):
        value = np.ascontiguousarray(row[name])
        digest.update(f"{name} {value.dtype} {value.shape};".encode())
        digest.update(value.tobytes())
    return digest.digest()


@dataclass(frozen=True)
class RowGroup:
    """Some rows, and where their values lie."""

    folder: Path
    keys: tuple[Key, ...]

    @property
    def name(self) -> str:
        """A hash of the keys in their order."""
        return hashlib.blake2b(b"".join(self.keys), digest_size=12).hexdigest()

    @property
    def path(self) -> Path:
        """The values of all rows, one after the other."""
        return self.folder / f"{self.name}.npy"

    @property
    def manifest(self) -> Path:
        """How many vectors each row has, and the checksum; written last."""
        return self.folder / f"{self.name}.json"

    def is_whole(self) -> bool:
        """Whether the values are there, as they were written."""
        try:
            manifest = json.loads(self.manifest.read_text())
            with self.path.open("rb") as file:
                return bool(manifest["checksum"] == hashlib.file_digest(file, "blake2b").hexdigest())
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, values: Sequence[Value]) -> None:
        """Keep the values of the rows, in the order of the keys."""
        partial = self.path.with_suffix(".partial")
        self.manifest.unlink(missing_ok=True)
        with partial.open("wb") as file:
            np.save(file, np.concatenate(values))
        with partial.open("rb") as file:
            checksum = hashlib.file_digest(file, "blake2b").hexdigest()
        partial.replace(self.path)
        manifest = {"checksum": checksum, "lengths": [len(value) for value in values]}
        self.manifest.with_suffix(".part").write_text(json.dumps(manifest))
        self.manifest.with_suffix(".part").replace(self.manifest)

    def rows(self) -> Iterator[tuple[Key, slice]]:
        """The rows, and where in the file the vectors of each are."""
        end = 0
        for key, length in zip(self.keys, json.loads(self.manifest.read_text())["lengths"], strict=True):
            start, end = end, end + length
            yield key, slice(start, end)


class RowCache:
    """What was computed of the rows of a data set, by the hash of the row."""

    def __init__(
        self, folder: Path, rows: Iterable[Key], *, what: str, remedy: str, rows_of_group: int = ROWS_OF_GROUP
    ) -> None:
        """A cache of which nothing is read yet.

        Args:
            folder: of the one computation whose values these are.
            rows: their keys in the order in which they are to be computed.
            what: the values in words, for messages.
            remedy: what else to do where they can't be kept, for messages.
            rows_of_group: rows that are computed and written at a time.
        """
        keys = list(dict.fromkeys(rows))
        starts = range(0, len(keys), rows_of_group)
        self.groups = [RowGroup(folder, tuple(keys[start : start + rows_of_group])) for start in starts]
        self.folder = folder
        self._what, self._remedy = what, remedy
        self._places: dict[Key, tuple[Path, slice]] = {}
        self._mapped = lru_cache(_NUM_MAPPED)(partial(np.load, mmap_mode="r"))

    def fill(
        self,
        compute: Callable[[Sequence[Key]], Sequence[Value]],
        shown: Callable[[Sequence[RowGroup]], Iterable[RowGroup]] = iter,
        bytes_of: Callable[[Key], int] = lambda key: 0,
    ) -> int:
        """Compute what is missing or damaged, a group at a time; gives the number of rows computed.

        Processes that fill the same cache wait for one another: the first one computes, the others find all there.

        Args:
            compute: the values of some rows, in their order.
            shown: goes over the groups that are computed, to show how far they are.
            bytes_of: how large a row's value will be, if that is to be compared with the space on the disk first.

        Raises:
            HfEfficientError: the folder can't be written, or the disk has not enough space.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                missing = [group for group in self.groups if not group.is_whole()]
                self._check_space(sum(bytes_of(key) for group in missing for key in group.keys))
                for group in shown(missing) if missing else ():
                    group.write(compute(group.keys))
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error
        return sum(len(group.keys) for group in missing)

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed > SHARE_OF_FREE_DISK * free:
            raise self._refusal(f"they take {needed / 1e6:,.1f} MB, and the disk has {free / 1e6:,.1f} free")

    def _refusal(self, reason: str) -> HfEfficientError:
        return HfEfficientError(
            f"{self.folder}: {self._what} can't be kept there ({reason}); free some space, name another folder in "
            f"HF_EFFICIENT_HOME, or {self._remedy}."
        )

    def open(self) -> None:
        """Read where the values are.

        Raises:
            HfEfficientError: the folder can't be read.
        """
        try:
            self._places = {key: (group.path, place) for group in self.groups for key, place in group.rows()}
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error

    def get(self, key: Key) -> Value | None:
        """The value of a row, memory-mapped; None if it is not one of them.

        Raises:
            HfEfficientError: its file can't be read any more.
        """
        if key not in self._places:
            return None
        path, place = self._places[key]
        try:
            values: Value = self._mapped(path)[place]
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error
        return values
