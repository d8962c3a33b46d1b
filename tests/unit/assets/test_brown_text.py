from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pyarrow.parquet as pq

from hf_efficient.assets.convert.brown import choose_held_out
from hf_efficient.assets.convert.brown_text import convert, spell


def test_a_tagged_text_is_spelt_as_it_was_printed():
    tagged = "\n\n\t``/`` Well/uh ,/, yes/rb (/( no/rb )/) ''/'' ,/, he/pps said/vbd ./.\n\tWhy/wrb ?/. ?/.\n"
    assert spell(tagged) == '"Well, yes (no)", he said.\nWhy??'


def pack(path: Path, documents: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as package:
        for name, text in documents.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            package.addfile(entry, io.BytesIO(text.encode()))


def test_whole_documents_of_some_genres_are_held_out(tmp_path):
    genres = "abcdefg"
    names = [f"c{genre}{number:02}" for genre in genres for number in range(1, 6)]
    pack(tmp_path / "corpus.tgz", {name: f"Text/nn of/in {name}/nn ./." for name in names})
    convert(tmp_path, tmp_path)
    train, scored = (pq.read_table(tmp_path / f"{split}.parquet").to_pylist() for split in ("train", "validation"))
    held_out = choose_held_out(names)
    assert len(held_out) == 7, "a fifth, one of each genre"
    assert [row["document"] for row in train] == [name for name in names if name not in held_out]
    assert [row["document"][:2] for row in scored] == ["ca", "cd", "cg"]
    assert {row["document"] for row in scored} <= held_out
    assert train[0]["text"] == f"Text of {train[0]['document']}."
