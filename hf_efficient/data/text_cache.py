"""Texts that were made at a cost, kept on disk by a hash of what they were made of.

A file is a log: a batch is on disk before the next one is begun, so that a kill loses the batch in hand alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock

from hf_efficient.errors import HfEfficientError

Batches = Callable[[list[int]], Iterable[tuple[Sequence[int], Sequence[str]]]]
"""From numbers of keys to batches: numbers, and the text that was made for each."""

Entry = tuple[str, float | None]
"""A text, and the CPU seconds that it cost; None where nobody has measured."""


def text_key(*parts: str) -> str:
    """A hash of some strings in their order."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class TextCache:
    """The texts that one computation has made."""

    def __init__(self, path: Path, what: str) -> None:
        """A cache of which nothing is read yet.

        Args:
            path: the file, of this computation alone.
            what: the texts in words, for messages.
        """
        self.path = path
        self._what = what
        self._entries: dict[str, Entry] = {}
        self._end = 0  # of the whole lines that are read
        self._made: set[str] = set()
        self.found: dict[str, float | None] = {}
        """What the texts that others have made had cost, in CPU seconds, by their keys; None where nobody knows."""

    def known(self) -> dict[str, str]:
        """The texts that are there, by their keys.

        Raises:
            HfEfficientError: the file can't be read.
        """
        try:
            return {key: text for key, (text, _) in self._read().items()}
        except OSError as error:
            raise self._refusal(error) from error

    def texts(self, keys: Sequence[str], make: Batches) -> list[str]:
        """The text of each key; `make` is asked for those that are not there, once for each key.

        Processes that want the same file wait for one another: the first one makes, the others find all there.

        Raises:
            HfEfficientError: the file can't be read or written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                known = self._read()
                first = {key: number for number, key in reversed(list(enumerate(keys))) if key not in known}
                if first:
                    self._append(make(sorted(first.values())), keys, known)
        except OSError as error:
            raise self._refusal(error) from error
        self.found.update({key: known[key][1] for key in keys if key not in self._made})
        return [known[key][0] for key in keys]

    def _refusal(self, error: OSError) -> HfEfficientError:
        return HfEfficientError(
            f"{self.path}: {self._what} can't be kept there ({error.strerror or error}); free some space, or name "
            "another folder in HF_EFFICIENT_HOME."
        )

    def _append(
        self, batches: Iterable[tuple[Sequence[int], Sequence[str]]], keys: Sequence[str], known: dict[str, Entry]
    ) -> None:
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                file.write(b"" if file.read(1) == b"\n" else b"\n")  # a kill has cut the last line off
            start = time.process_time()
            for numbers, texts in batches:
                seconds = round((time.process_time() - start) / len(numbers), 6)
                made = {keys[number]: (text, seconds) for number, text in zip(numbers, texts, strict=True)}
                file.write("".join(f"{json.dumps([key, *entry])}\n" for key, entry in made.items()).encode())
                file.flush()
                os.fsync(file.fileno())
                known.update(made)
                self._made.update(made)
                start = time.process_time()

    def _read(self) -> dict[str, Entry]:
        """What is there, read as far as it has not been; lines that are not whole are left out."""
        if not self.path.is_file():
            self._entries, self._end = {}, 0
            return self._entries
        with self.path.open("rb") as file:
            file.seek(self._end)
            data = file.read()
        entries = (_entry(line) for line in data.splitlines())
        self._entries.update(entry for entry in entries if entry is not None)
        self._end += data.rfind(b"\n") + 1
        return self._entries


def _entry(line: bytes) -> tuple[str, Entry] | None:
    try:
        match json.loads(line):
            case [str(key), str(text)]:
                return key, (text, None)
            case [str(key), str(text), float(seconds)]:
                return key, (text, seconds)
    except ValueError:
        pass
    return None
