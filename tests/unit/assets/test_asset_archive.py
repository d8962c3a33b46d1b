from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile

import pytest

from hf_efficient.assets.archive import extract
from hf_efficient.assets.asset import Member
from hf_efficient.errors import AssetError

CONTENT = b"forty-two\n"


def member(*path: str, content: bytes = CONTENT) -> Member:
    return Member(path, len(content), hashlib.sha256(content).hexdigest())


def tar_gz(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, goal in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, goal
            archive.addfile(info)
    return buffer.getvalue()


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/a.txt", CONTENT)
        archive.writestr("../../escape.txt", CONTENT)
    return path


@pytest.fixture
def sdist(tmp_path):
    path = tmp_path / "a-1.tar.gz"
    inner = tar_gz({"inner/a.txt": CONTENT})
    path.write_bytes(tar_gz({"a-1/data.tar.gz": inner}, {"a-1/link.txt": "/etc/hostname"}))
    return path


def test_from_a_wheel(wheel, tmp_path):
    extract(wheel, member("data/a.txt"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == CONTENT


def test_from_an_archive_inside_an_sdist(sdist, tmp_path):
    extract(sdist, member("a-1/data.tar.gz", "inner/a.txt"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == CONTENT


def test_a_path_in_the_archive_does_not_choose_the_target(wheel, tmp_path):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    escape = member("../../escape.txt")
    extract(wheel, escape, folder / escape.name)
    assert [path.name for path in folder.iterdir()] == ["escape.txt"]
    assert not (tmp_path / "escape.txt").exists()


def test_a_link_is_refused(sdist, tmp_path):
    with pytest.raises(AssetError, match=r"a-1/link\.txt can't be unpacked: .* is not a regular file"):
        extract(sdist, member("a-1/link.txt"), tmp_path / "out.txt")


def test_no_more_than_the_expected_bytes_are_unpacked(tmp_path):
    path = tmp_path / "bomb-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(10_000_000))
    with pytest.raises(AssetError, match=r"a\.txt: expected 10 bytes, found more"):
        extract(path, member("a.txt"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").stat().st_size <= 10


@pytest.mark.parametrize("wanted", [b"forty-two!", b"forty-two and more"], ids=["same size", "longer"])
def test_other_bytes_are_refused(wheel, tmp_path, wanted):
    with pytest.raises(AssetError, match=rf"^a\.txt: expected {len(wanted)} bytes with .*, found 10 with"):
        extract(wheel, member("data/a.txt", content=wanted), tmp_path / "out.txt")


@pytest.mark.parametrize("path", [("absent.txt",), ("data/a.txt", "x.txt")])
def test_a_missing_member_is_named(wheel, tmp_path, path):
    with pytest.raises(AssetError, match=path[-1]) as error:
        extract(wheel, member(*path), tmp_path / "out.txt")
    assert "\n" not in str(error.value)


def test_a_truncated_archive(sdist, tmp_path):
    sdist.write_bytes(sdist.read_bytes()[:60])
    with pytest.raises(AssetError, match="can't be unpacked"):
        extract(sdist, member("a-1/data.tar.gz", "inner/a.txt"), tmp_path / "out.txt")
