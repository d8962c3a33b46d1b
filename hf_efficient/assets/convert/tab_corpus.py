"""Corpora in tab-separated form with a three-line header: 20 Newsgroups and Reuters-21578."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hf_efficient.assets.convert.parquet import write_parquet

_HEADER_LINES = 3


@dataclass(frozen=True)
class Document:
    """A text and its topic."""

    text: str
    label: str


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet` and `test.parquet`; test rows whose text also stands in train are dropped."""
    train, test = (read(next(source.glob(f"*-{split}.tab"))) for split in ("train", "test"))
    seen = {document.text for document in train}
    write_parquet(train, target / "train.parquet")
    write_parquet((document for document in test if document.text not in seen), target / "test.parquet")


def read(path: Path) -> list[Document]:
    """The documents of a file; lines without a label or a text are no documents."""
    lines = path.read_text(encoding="utf-8").split("\n")[_HEADER_LINES:]
    cells = (line.partition("\t") for line in lines)
    documents = (Document(text=text.strip(), label=label.strip()) for label, _, text in cells)
    return [document for document in documents if document.text and document.label]
