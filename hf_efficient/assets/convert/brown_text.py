"""The Brown corpus as running text: a document a row, for language models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hf_efficient.assets.convert import brown
from hf_efficient.assets.convert.parquet import write_parquet

_SPELLING: Final = ((r"``\s?|\s?''", '"'), (r" ([.,:;?!)])", r"\1"), (r"\( ", "("), (r"\s--\s", " - "))
"""What the corpus writes as words of their own, and how a text has it."""


@dataclass(frozen=True)
class Document:
    """A text of about 2,000 words and its name in the corpus, the first two letters of which are its genre."""

    text: str
    document: str


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet` and `validation.parquet`, one document of every third genre: to score more takes long.

    Both leave out what else `demo/brown-pos` holds out.
    """
    documents = brown.read(next(source.glob("*.tgz")))
    held_out = brown.choose_held_out(documents)
    one_a_genre = {name[:2]: name for name in sorted(held_out, reverse=True)}
    scored = set(sorted(one_a_genre.values())[::3])
    rows = [Document(spell(text), name) for name, text in sorted(documents.items())]
    write_parquet((row for row in rows if row.document not in held_out), target / "train.parquet")
    write_parquet((row for row in rows if row.document in scored), target / "validation.parquet")


def spell(text: str) -> str:
    """A tagged document as it was printed, a sentence a line."""
    lines = (" ".join(word.rpartition("/")[0] for word in line.split()) for line in text.splitlines())
    spelt = "\n".join(line for line in lines if line)
    for pattern, written in _SPELLING:
        spelt = re.sub(pattern, written, spelt)
    return spelt
