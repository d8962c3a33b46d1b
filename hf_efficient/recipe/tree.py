"""Plain nested mappings, and the dotted paths through them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from hf_efficient.errors import RecipeError

Tree: TypeAlias = dict[str, Any]
KeyPath: TypeAlias = tuple[str, ...]


def dotted(path: tuple[str | int, ...]) -> str:
    """`("training", "seed")` as `training.seed`."""
    return ".".join(str(key) for key in path)


def nodes(tree: Mapping[str, Any], path: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of every key in `tree`, outer keys first."""
    for key, value in tree.items():
        yield (*path, key)
        if isinstance(value, Mapping):
            yield from nodes(value, (*path, key))


def leaves(tree: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Each path that ends in a value, with the value; lists and empty mappings are values."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def remove(tree: Tree, path: KeyPath) -> None:
    """Take the key at `path` out of `tree`, if it is there."""
    for key in path[:-1]:
        tree = tree.get(key) or {}
    tree.pop(path[-1], None)


def plain(value: Any, place: str) -> Any:
    """A copy of `value` made of dicts, lists and YAML's scalars alone.

    Raises RecipeError, beginning with `place`, for anything that YAML could not have said.
    """
    if isinstance(value, Mapping):
        return {_key(key, place): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, place) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{place} must be a finite number, found {value}.")
    if value is None or type(value) in (str, bool, int, float):
        return value
    raise RecipeError(
        f"{place} must be text, a number, true, false, null, a list or a mapping, "
        f"found a value of type {type(value).__name__}."
    )


def _key(key: Any, place: str) -> str:
    if isinstance(key, str):
        return key
    raise RecipeError(f"{place} must have text for its keys, found {key!r}.")
