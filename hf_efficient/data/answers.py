"""What a teacher answers to each row, kept on disk: computed once, shared by every student, epoch and process.

Answers lie in shards of a fixed composition, so that a shard that is computed again is the same bit for bit. A shard is
whole and matches its checksum, or it is not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from hf_efficient.errors import HfEfficientError

Key = bytes
Answer = NDArray[np.float32]
"""Logits of a row: (1, classes), or (tokens, classes)."""

ROWS_OF_SHARD = 1024


def row_key(row: Mapping[str, NDArray[Any]]) -> Key:
    """A hash of one encoded row: names, types, shapes and content of what a model is fed."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(row):
        value = np.ascontiguousarray(row[name])
        digest.update(f"{name} {value.dtype} {value.shape};".encode())
        digest.update(value.tobytes())
    return digest.digest()


@dataclass(frozen=True)
class Shard:
    """Some rows, and where their answers lie."""

    folder: Path
    keys: tuple[Key, ...]

    @property
    def name(self) -> str:
        """A hash of the keys in their order."""
        return hashlib.blake2b(b"".join(self.keys), digest_size=12).hexdigest()

    @property
    def path(self) -> Path:
        """The answers of all rows, one after the other."""
        return self.folder / f"{self.name}.npy"

    @property
    def manifest(self) -> Path:
        """How many vectors each row has, and the checksum; written last."""
        return self.folder / f"{self.name}.json"

    def is_whole(self) -> bool:
        """Whether the answers are there, as they were written."""
        try:
            manifest = json.loads(self.manifest.read_text())
            with self.path.open("rb") as file:
                return bool(manifest["checksum"] == hashlib.file_digest(file, "blake2b").hexdigest())
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, answers: Sequence[Answer]) -> None:
        """Keep the answers to the rows, in the order of the keys."""
        partial = self.path.with_suffix(".partial")
        self.manifest.unlink(missing_ok=True)
        with partial.open("wb") as file:
            np.save(file, np.concatenate(answers))
        with partial.open("rb") as file:
            checksum = hashlib.file_digest(file, "blake2b").hexdigest()
        partial.replace(self.path)
        manifest = {"checksum": checksum, "lengths": [len(answer) for answer in answers]}
        self.manifest.with_suffix(".part").write_text(json.dumps(manifest))
        self.manifest.with_suffix(".part").replace(self.manifest)

    def read(self) -> Iterator[tuple[Key, Answer]]:
        """The rows and their answers, memory-mapped."""
        values = np.load(self.path, mmap_mode="r")
        end = 0
        for key, length in zip(self.keys, json.loads(self.manifest.read_text())["lengths"], strict=True):
            start, end = end, end + length
            yield key, values[start:end]


class Answers:
    """A teacher's answers to the rows of a data set, by the hash of the row."""

    def __init__(self, folder: Path, rows: Iterable[Key]) -> None:
        """Args: the folder of this teacher; the keys of the rows in the order in which they are to be answered."""
        keys = list(dict.fromkeys(rows))
        starts = range(0, len(keys), ROWS_OF_SHARD)
        self.shards = [Shard(folder, tuple(keys[start : start + ROWS_OF_SHARD])) for start in starts]
        self.folder = folder
        self._found: dict[Key, Answer] = {}

    def fill(
        self,
        answer: Callable[[Sequence[Key]], Sequence[Answer]],
        shown: Callable[[Sequence[Shard]], Iterable[Shard]] = iter,
    ) -> int:
        """Compute what is missing or damaged, a shard at a time; gives the number of rows computed.

        Args:
            answer: the answers to some rows, in their order.
            shown: goes over the shards that are computed, to show how far they are.

        Raises:
            HfEfficientError: the folder can't be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):  # another run with the same teacher waits, and finds them
                missing = [shard for shard in self.shards if not shard.is_whole()]
                for shard in shown(missing) if missing else ():
                    shard.write(answer(shard.keys))
        except OSError as error:
            raise HfEfficientError(
                f"{self.folder}: the teacher's answers can't be kept there ({error.strerror or error}); free some "
                "space, name another folder in HF_EFFICIENT_HOME, or set distill.cache: false."
            ) from error
        return sum(len(shard.keys) for shard in missing)

    def open(self) -> None:
        """Map the answers into memory."""
        self._found = {key: answer for shard in self.shards for key, answer in shard.read()}

    def get(self, key: Key) -> Answer | None:
        """The answer to a row; None if it is not one of them."""
        return self._found.get(key)
