from __future__ import annotations

import pytest

from hf_efficient.data import fingerprint
from hf_efficient.data.fingerprint import local_files
from hf_efficient.recipe import DataSection


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "train.csv").write_text("text,label\none,x\n")
    return tmp_path


def hash_of(path) -> str:
    return local_files(DataSection(train=str(path)))[str(path)]


def test_the_same_content_has_the_same_hash(folder):
    (folder / "copy.csv").write_text("text,label\none,x\n")
    assert hash_of(folder / "copy.csv") == hash_of(folder / "a" / "train.csv")


@pytest.mark.parametrize("content", ["text,label\none,y\n", "text,label\none,x\ntwo,y\n", ""])
def test_other_content_has_another(content, folder):
    file = folder / "a" / "train.csv"
    before, of_folder = hash_of(file), hash_of(folder / "a")
    file.write_text(content)
    assert hash_of(file) != before
    assert hash_of(folder / "a") != of_folder


def test_a_large_file_is_known_by_its_ends_and_its_length(folder, monkeypatch):
    monkeypatch.setattr(fingerprint, "_SAMPLE", 4)
    file = folder / "large.txt"
    found = set()
    for content in (b"abcd--wxyz", b"abcd-wxyz", b"abcX--wxyz", b"abcd--wxyX"):
        file.write_bytes(content)
        found.add(hash_of(file))
    assert len(found) == 4
    file.write_bytes(b"abcd!!wxyz")
    assert hash_of(file) in found  # the middle is not read


def test_what_is_not_local_has_none():
    assert local_files(DataSection(name="glue", config="sst2")) == {}
    assert local_files(DataSection(name="demo/smoke")) == {}
