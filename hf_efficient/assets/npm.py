"""Releases of the JavaScript registry, through its own client."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from hf_efficient.assets.asset import Package
from hf_efficient.assets.cache import sha256
from hf_efficient.errors import AssetError

_UNREACHABLE = ("ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ENOTFOUND", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT")


def download(package: Package, folder: Path) -> Path:
    """The archive of a release, from the registry that the user's npm is configured for; nothing of it is run.

    Raises:
        AssetError: npm is missing, the registry can't be reached or offers other bytes than the pinned ones.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise AssetError(
            f"fetching {package.name} needs npm, which is not on the PATH: install Node.js (Debian: `apt install npm`)"
        )
    done = subprocess.run(
        [npm, "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--no-update-notifier"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise _failure(package, done.stderr)
    archive = next(folder.iterdir())
    # npm compares with what the registry says of itself; the pin is what it said when it was looked at.
    if sha256(archive) != package.sha256:
        raise _other_bytes(package)
    return archive


def _failure(package: Package, stderr: str) -> AssetError:
    release = f"{package.name}@{package.version}"
    errors = re.findall(r"^npm (?:error|ERR!) (.+)$", stderr, re.MULTILINE)
    code = next((line.removeprefix("code ") for line in errors if line.startswith("code ")), "")
    if code == "EINTEGRITY":
        return _other_bytes(package)
    if code in _UNREACHABLE:
        return AssetError(f"the npm registry can't be reached for {release}")
    said = next((line for line in errors if not line.startswith(("code ", "errno ", "syscall "))), "no reason given")
    return AssetError(f"npm could not download {release} ({said})")


def _other_bytes(package: Package) -> AssetError:
    return AssetError(
        f"the npm registry offers {package.name}@{package.version} with another SHA-256 than the pinned one; refused"
    )
