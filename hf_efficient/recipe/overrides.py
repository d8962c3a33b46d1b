"""Single settings laid over a recipe: `training.seed=1` on a command line, or a mapping of dotted paths in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hf_efficient.errors import RecipeError
from hf_efficient.recipe.source import COMMAND_LINE, OVERRIDES, Source
from hf_efficient.recipe.tree import KeyPath, Tree, dotted, plain
from hf_efficient.recipe.yaml import read_value

Overrides: TypeAlias = Iterable[str] | Mapping[str, Any]

# Two ways to say one thing: an override of one takes the place of the other in the recipe.
RIVALS: Final[dict[KeyPath, KeyPath]] = {
    ("training", "max_steps"): ("training", "num_train_epochs"),
    ("training", "num_train_epochs"): ("training", "max_steps"),
    ("batching", "max_tokens"): ("training", "per_device_train_batch_size"),
    ("early_stopping", "patience_evaluations"): ("early_stopping", "patience_epochs"),
    ("early_stopping", "patience_epochs"): ("early_stopping", "patience_evaluations"),
}


@dataclass(frozen=True)
class Override:
    """One setting that takes the place of whatever the recipe says there; None stands for YAML's null."""

    path: KeyPath
    value: Any
    source: Source


def read_overrides(overrides: Overrides) -> list[Override]:
    """The overrides in the order given, read by the rules of YAML 1.2; `a.b=` and `a.b=null` both mean null.

    Raises RecipeError for a text without `=`, an empty key or a value that is no YAML.
    """
    if isinstance(overrides, Mapping):
        found = [_from_item(path, value) for path, value in overrides.items()]
    else:
        found = [_from_text(text) for text in ([overrides] if isinstance(overrides, str) else overrides)]
    return [setting for override in found for setting in _settings(override)]


def _settings(override: Override) -> list[Override]:
    """An override, or those of its settings where a whole section is given: the others of the section stay."""
    if len(override.path) > 1 or not isinstance(override.value, dict) or not override.value:
        return [override]
    return [Override((*override.path, key), value, override.source) for key, value in override.value.items()]


def lay_over(tree: Tree, overrides: Iterable[Override]) -> None:
    """Put each override's value into `tree`, in place of what stood there and of its rival.

    Raises RecipeError where a path leads through a single value.
    """
    overrides = list(overrides)
    for override in overrides:
        rival = RIVALS.get(override.path)
        # -1 is how `max_steps` is left to `num_train_epochs`.
        # A section that nobody wrote is not made for the sake of its rival.
        if rival and override.value not in (None, -1) and tree.get(rival[0]) is not None:
            _section(tree, rival, override.source).pop(rival[-1], None)
    for override in overrides:
        _section(tree, override.path, override.source)[override.path[-1]] = override.value


def _section(tree: Tree, path: KeyPath, source: Source) -> Tree:
    """The mapping in `tree` that holds, or will hold, the last key of `path`."""
    for depth, key in enumerate(path[:-1], start=1):
        if tree.get(key) is None:
            tree[key] = {}
        if not isinstance(tree[key], dict):
            raise RecipeError(f"{source}: {dotted(path)} can't be set: {dotted(path[:depth])} is one value.")
        tree = tree[key]
    return tree


def _from_text(text: str) -> Override:
    path, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"{COMMAND_LINE}: {text} is no override; write path=value, as in training.seed=1.")
    return Override(_path(path, COMMAND_LINE), read_value(value, f"{COMMAND_LINE}: {path.strip()}"), COMMAND_LINE)


def _from_item(path: str, value: Any) -> Override:
    return Override(_path(path, OVERRIDES), plain(value, f"{OVERRIDES}: {path}"), OVERRIDES)


def _path(path: str, source: Source) -> KeyPath:
    keys = tuple(path.strip().split("."))
    if not all(keys):
        raise RecipeError(f"{source}: {path!r} is no path of a setting; write one such as training.seed.")
    return keys
