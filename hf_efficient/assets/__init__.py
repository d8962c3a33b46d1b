"""Pinned models and data that need no model hub."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from hf_efficient.assets.asset import Asset
from hf_efficient.assets.cache import cache_root
from hf_efficient.assets.fetch import ensure_cached
from hf_efficient.assets.table import ASSETS, PREFIX
from hf_efficient.errors import AssetError, did_you_mean

__all__ = ["ASSETS", "Asset", "cache_root", "describe", "is_asset", "resolve"]


def is_asset(name: str) -> bool:
    """Whether a name means a pinned asset rather than a Hub name or a path."""
    return name.startswith(PREFIX)


def describe(name: str) -> Asset:
    """The table's row of an asset: licence, origin, citation and pins.

    Raises:
        AssetError: there is no such asset.
    """
    if name not in ASSETS:
        hint = did_you_mean(name, ASSETS) or f" Known assets: {', '.join(ASSETS)}."
        raise AssetError(f"{name} is not an asset.{hint}")
    return ASSETS[name]


def resolve(name: str) -> Path:
    """The verified local folder of an asset, fetched on first use.

    Raises:
        AssetError: there is no such asset, it can't be had, or the cached copy is damaged.
    """
    asset = describe(name)
    if asset.builtin:
        return Path(str(files(__name__) / "builtin" / name.removeprefix(PREFIX)))
    return ensure_cached(asset)
