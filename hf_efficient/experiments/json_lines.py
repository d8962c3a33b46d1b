"""Files of JSON objects, one a line, that only grow: what a kill has left of a line is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hf_efficient.errors import RunDirectoryError

Record = dict[str, Any]

_LAST_BYTES = 2**20
"""Among which the last line begins."""


def read_lines(path: Path) -> Iterator[Record]:
    """The records of a file; a last line that was cut off is none.

    Raises:
        RunDirectoryError: another line is no JSON object.
    """
    return (record for _, record in _numbered(path))


def read_rows(path: Path, *keys: str) -> dict[tuple[Any, ...], Record]:
    """The records of a file by what they hold under some keys.

    Raises:
        RunDirectoryError: a line is no JSON object, or one without these keys.
    """
    rows = {}
    for number, record in _numbered(path):
        if missing := [key for key in keys if key not in record]:
            raise RunDirectoryError(f"{path}:{number}: expected {missing[0]}, found none; take the line away.")
        rows[tuple(record[key] for key in keys)] = record
    return rows


def _numbered(path: Path) -> Iterator[tuple[int, Record]]:
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        record = _record(line)
        if record is not None:
            yield number, record
        elif line and number < len(lines):
            found = line[:40].decode(errors="replace")
            raise RunDirectoryError(f"{path}:{number}: expected a JSON object, found {found}; take the line away.")


def _record(line: bytes) -> Record | None:
    """What a line says; None where it was cut off, or is no JSON object."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def append_lines(path: Path, records: Sequence[Record]) -> None:
    """Add records to a file, which are on disk when this returns; what was cut off before is taken away.

    Raises:
        RunDirectoryError: the file can't be written.
    """
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    try:
        with path.open("ab+") as file:
            _end_last_line(file)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: can't be written ({error.strerror}); free the disk, and start the same command again."
        ) from error


def _end_last_line(file: BinaryIO) -> None:
    """End a record that lacks its line break, and take away what a write that was cut off has left of one."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - _LAST_BYTES, 0))
    last = file.read().rpartition(b"\n")[2]
    if last and _record(last) is not None:
        file.write(b"\n")
    else:
        file.truncate(end - len(last))
