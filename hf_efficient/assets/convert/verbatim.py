"""Files that are used as they are."""

from __future__ import annotations

from pathlib import Path


def convert(source: Path, target: Path) -> None:
    """Move the files of `source` to `target`."""
    for path in sorted(source.iterdir()):
        if path.is_file():
            path.replace(target / path.name)
