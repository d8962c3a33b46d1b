from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hf_efficient.assets import cache_root
from hf_efficient.assets.cache import MANIFEST, cached_dir, is_cached, sha256, verify, write_manifest
from hf_efficient.errors import AssetError

REPAIR = "repair it with `hf-efficient assets fetch demo/tiny --force`"


@pytest.fixture
def folder(asset):
    folder = cached_dir(asset)
    folder.mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"abc")
    (folder / "b.txt").write_bytes(b"")
    write_manifest(folder, asset, "somewhere")
    return folder


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({"HF_EFFICIENT_HOME": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"HF_EFFICIENT_HOME": "~/c"}, "/home/me/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/hf_efficient"),
        ({"HF_EFFICIENT_HOME": "", "XDG_CACHE_HOME": ""}, "/home/me/.cache/hf_efficient"),
        ({}, "/home/me/.cache/hf_efficient"),
    ],
)
def test_cache_root(monkeypatch, environment, root):
    for name in ("HF_EFFICIENT_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    assert cache_root() == Path(root)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_manifest_says_what_and_whence(asset, folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["source"] == "somewhere"
    assert manifest["licence"] == asset.licence
    assert manifest["files"]["a.txt"] == {
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert sorted(manifest["files"]) == ["a.txt", "b.txt"]


def test_intact(asset, folder):
    assert is_cached(asset)
    verify(asset)


def test_not_cached(asset):
    assert not is_cached(asset)


def test_an_older_version_counts_as_not_cached(asset, folder):
    assert not is_cached(replace(asset, version=4))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"ab", "expected 3 bytes, found 2"), (b"abd", "its SHA-256 is not the recorded one")],
)
def test_a_changed_file_is_named(asset, folder, content, reason):
    (folder / "a.txt").write_bytes(content)
    with pytest.raises(AssetError) as error:
        verify(asset)
    assert str(error.value) == f"{folder / 'a.txt'}: demo/tiny is damaged: {reason}; {REPAIR}"


def test_a_lost_file_is_named(asset, folder):
    (folder / "b.txt").unlink()
    with pytest.raises(AssetError, match=r"b\.txt: demo/tiny is damaged: No such file or directory"):
        verify(asset)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": {}}'])
def test_a_damaged_manifest(asset, folder, content):
    (folder / MANIFEST).write_text(content)
    with pytest.raises(AssetError, match=r"manifest\.json: demo/tiny is damaged: it is not"):
        is_cached(asset)
