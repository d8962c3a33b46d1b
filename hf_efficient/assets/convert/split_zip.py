"""A model out of a zip file that was cut into numbered parts."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Final

FILES: Final = (
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
"""What transformers loads; the rest belongs to another library. The hashes of the parts vouch for all of it."""


def convert(source: Path, target: Path) -> None:
    """Join the parts, `NAME.zip.001` and on, and take the model's files out of the folder in the archive."""
    joined = source / "joined.zip"
    with joined.open("wb") as archive:
        for part in sorted(source.glob("*.zip.[0-9]*")):
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, archive)
            part.unlink()
    with zipfile.ZipFile(joined) as archive:
        (folder,) = {name.split("/")[0] for name in archive.namelist()}
        for name in FILES:
            with archive.open(f"{folder}/{name}") as member, (target / name).open("wb") as file:
                shutil.copyfileobj(member, file)
    joined.unlink()
