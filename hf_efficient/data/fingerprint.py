"""Whether the local files that a run is trained on are still the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hf_efficient.recipe.data import DataSection

_SAMPLE = 32 * 2**20
"""Bytes at each end of a file that are read; what lies between is known by its length."""


def local_files(section: DataSection) -> dict[str, str]:
    """A hash of the content of each local file or directory that the section names, by that name.

    Assets and the Hub's data sets have checksums and revisions of their own.
    """
    names = (section.name, section.train, section.validation, section.test)
    paths = {name: Path(name).expanduser() for name in names if name is not None}
    return {name: _hash_of(path) for name, path in paths.items() if path.exists()}


def _hash_of(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in _files_of(path):
        digest.update(f"{file.relative_to(path)} {file.stat().st_size};".encode())
        with file.open("rb") as content:
            digest.update(content.read(_SAMPLE))
            content.seek(max(content.tell(), file.stat().st_size - _SAMPLE), os.SEEK_SET)
            digest.update(content.read())
    return digest.hexdigest()


def _files_of(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(file for file in path.rglob("*") if file.is_file())
