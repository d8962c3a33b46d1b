from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pytest

from hf_efficient.assets import debian
from hf_efficient.assets.archive import extract
from hf_efficient.assets.asset import Member, Package
from hf_efficient.assets.convert.idx import read
from hf_efficient.errors import AssetError

CONTENT = b"pixels"
MEMBER = Member(("data.tar.xz", "./usr/share/a/images.gz"), len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
PACKAGE = Package("a", "1", "deb", 1, "0" * 64, (MEMBER,))


def ar(members: dict[str, bytes]) -> bytes:
    head = b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        for name, data in members.items()
    )
    return b"!<arch>\n" + head


def test_a_member_of_a_package(tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        entry = tarfile.TarInfo(MEMBER.path[1])
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    (tmp_path / "a.deb").write_bytes(ar({"debian-binary": b"2.0\n\n", "data.tar.xz": data.getvalue()}))
    extract(tmp_path / "a.deb", MEMBER, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    (tmp_path / "a.deb").write_bytes(ar({"debian-binary": b"2.0\n"}))
    with pytest.raises(AssetError, match=r"there is no data\.tar\.xz in it"):
        extract(tmp_path / "a.deb", MEMBER, tmp_path / "out")


def test_what_is_installed_is_copied_if_its_hash_is_right(tmp_path):
    installed = tmp_path / "usr" / "share" / "a" / "images.gz"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(b"others")
    assert not debian.copy_installed(PACKAGE, tmp_path, tmp_path)
    installed.write_bytes(CONTENT)
    assert debian.copy_installed(PACKAGE, tmp_path, tmp_path)
    assert (tmp_path / "images.gz").read_bytes() == CONTENT


def test_a_machine_without_apt(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match=r"^fetching a needs apt-get, .* under /usr/share/a$"):
        debian.download(PACKAGE, tmp_path)


def test_idx_files(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x02" + (1).to_bytes(4) + (3).to_bytes(4) + b"abc"))
    assert read(path) == ((1, 3), b"abc")
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + (4).to_bytes(4) + b"abc"))
    with pytest.raises(ValueError, match="expected an IDX file"):
        read(path)
