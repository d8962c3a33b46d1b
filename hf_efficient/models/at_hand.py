"""Whether a model is on this machine, so that nothing is downloaded in the middle of a run."""

from __future__ import annotations

from pathlib import Path

from hf_efficient.assets import describe, is_asset
from hf_efficient.assets.cache import is_cached
from hf_efficient.errors import AssetError


def require_at_hand(name: str, place: str) -> None:
    """Check that an asset or a model of the Hub is in its cache; what is wrong with a path is said when it is opened.

    Raises:
        AssetError: it is not, or there is no such asset.
    """
    if is_asset(name):
        asset = describe(name)
        is_here, command = asset.builtin or is_cached(asset), f"hf-efficient assets fetch {name}"
    else:
        is_here, command = _is_path(name) or _is_from_hub(name), f"hf download {name}"
    if not is_here:
        raise AssetError(f"{place} is {name}, which is not on this machine; fetch it: `{command}`")


def _is_path(name: str) -> bool:
    return Path(name).expanduser().exists() or name.startswith((".", "/", "~")) or name.count("/") > 1


def _is_from_hub(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:  # a word that is no name
        return False
