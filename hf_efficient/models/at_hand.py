"""Models that are on this machine already, so that nothing is downloaded in the middle of a run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hf_efficient.assets import describe, is_asset
from hf_efficient.assets.cache import is_cached
from hf_efficient.errors import AssetError
from hf_efficient.models.load import located


def require_at_hand(name: str, place: str) -> None:
    """Check that an asset or a model of the Hub is in its cache; what is wrong with a path is said when it is opened.

    Raises:
        AssetError: it is not, or there is no such asset.
    """
    if is_asset(name):
        asset = describe(name)
        is_here, command = asset.builtin or is_cached(asset), f"hf-efficient assets fetch {name}"
    else:
        is_here, command = _is_path(name) or _from_hub(name) is not None, f"hf download {name}"
    if not is_here:
        raise AssetError(f"{place} is {name}, which is not on this machine; fetch it: `{command}`")


def folder_of(name: str, place: str) -> Path:
    """The folder of a model that is on this machine.

    Raises:
        AssetError: it is not, or an asset is damaged.
        RecipeError: a path that holds no model.
    """
    require_at_hand(name, place)
    return _from_hub(name) or Path(located(name, place))


def content_key(folder: Path) -> str:
    """A hash of the names and contents of the files in a folder, those in folders of its own left out."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            digest.update(f"{path.name}\0{hashlib.file_digest(file, 'blake2b').hexdigest()}\n".encode())
    return digest.hexdigest()


def _is_path(name: str) -> bool:
    return Path(name).expanduser().exists() or name.startswith((".", "/", "~")) or name.count("/") > 1


def _from_hub(name: str) -> Path | None:
    """The folder of a model in the Hub's cache, if it has weights: a configuration alone may be there, too."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if is_asset(name) or _is_path(name):
        return None
    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # a word that is no name
        return None
    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder is not None and any(map(_has_weights, folder.iterdir())) else None


def _has_weights(path: Path) -> bool:
    return path.suffix in (".safetensors", ".bin")
