"""Debian packages: files that are installed already, or that apt downloads; nothing is installed nor needs root."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hf_efficient.assets.asset import Package
from hf_efficient.assets.cache import sha256
from hf_efficient.errors import AssetError

_HEADER = 60
"""Bytes before each member of an ar archive; deb(5) and ar(5)."""


def copy_installed(package: Package, target: Path, root: Path = Path("/")) -> bool:
    """Whether the package's members are installed here, with the pinned hashes; they then lie in `target`."""
    installed = {member: root / member.path[-1] for member in package.members}
    if not all(path.is_file() and sha256(path) == member.sha256 for member, path in installed.items()):
        return False
    for member, path in installed.items():
        shutil.copyfile(path, target / member.name)
    return True


def download(package: Package, folder: Path) -> Path:
    """The archive of a package, from the mirror that the machine's apt is configured for.

    Raises:
        AssetError: apt is missing, the mirror can't be reached or offers other bytes than the pinned ones.
    """
    if shutil.which("apt-get") is None:
        raise AssetError(
            f"fetching {package.name} needs apt-get, which only Debian and its relatives have: on another system put "
            f"the files of that package under {Path('/', package.members[0].path[-1]).parent}"
        )
    done = _download(package, folder, [])
    if done.returncode != 0:  # images of containers come without lists, and only root may write the machine's own
        lists = _private_lists(folder)
        _apt("update", folder, lists)
        done = _download(package, folder, lists)
    if done.returncode != 0:
        errors = [line.removeprefix("E: ") for line in done.stderr.splitlines() if line.startswith("E: ")]
        said = errors[0] if errors else "no reason given"
        raise AssetError(f"apt could not download {package.name}={package.version} ({said})")
    archive = next(folder.glob("*.deb"))
    if sha256(archive) != package.sha256:
        raise AssetError(
            f"the mirror offers {package.name}={package.version} with another SHA-256 than the pinned one; refused"
        )
    return archive


def _download(package: Package, folder: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    return _apt("download", folder, [*options, f"{package.name}={package.version}"])


def _apt(command: str, folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-qq", command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _private_lists(folder: Path) -> list[str]:
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    return ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]


@contextmanager
def open_member(archive: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """One member of an ar archive, as a Debian package is one.

    Raises:
        KeyError: there is none of that name.
    """
    if archive.read(8) != b"!<arch>\n":
        raise KeyError(f"no ar archive: {name} can't be in it")
    while len(header := archive.read(_HEADER)) == _HEADER:
        size = int(header[48:58])
        content = archive.read(size + size % 2)[:size]
        if header[:16].decode("ascii", "replace").strip().rstrip("/") == name:
            yield io.BytesIO(content)
            return
    raise KeyError(f"there is no {name} in it")
