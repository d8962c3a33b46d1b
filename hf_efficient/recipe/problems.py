"""Pydantic's errors as messages of our own, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hf_efficient.recipe.section import Section, alternatives
from hf_efficient.recipe.source import Provenance
from hf_efficient.recipe.suggestions import unknown
from hf_efficient.recipe.tree import KeyPath, Tree
from hf_efficient.recipe.wording import mismatch


def messages(error: ValidationError, recipe: type[BaseModel], tree: Tree, provenance: Provenance) -> list[str]:
    """One line for each wrong setting, with its place; a union's several complaints are one."""
    known = dict(settings(recipe))
    lines: dict[KeyPath, str] = {}
    for details in error.errors():
        path = _setting(details, known)
        lines.setdefault(path, f"{provenance.place(path)} {_message(details, path, known, tree)}")
    return list(lines.values())


def settings(section: type[BaseModel], path: KeyPath = ()) -> Iterator[tuple[KeyPath, FieldInfo]]:
    """The path of every section and setting below `section`, with its field."""
    for name, field in section.model_fields.items():
        yield (*path, name), field
        inner = next((kind for kind in alternatives(field.annotation) if _is_section(kind)), None)
        if inner is not None:
            yield from settings(inner, (*path, name))


def _setting(details: ErrorDetails, known: dict[KeyPath, FieldInfo]) -> KeyPath:
    """The path of the setting in question, without pydantic's names for members of unions, items and keys."""
    location = tuple(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return location
    return next(
        location[:length] for length in range(len(location), -1, -1) if length == 0 or location[:length] in known
    )


def _message(details: ErrorDetails, path: KeyPath, known: dict[KeyPath, FieldInfo], tree: Tree) -> str:
    match details["type"]:
        case "extra_forbidden":
            return unknown(path, known)
        case "missing" if len(details["loc"]) == len(path):
            return f"is missing. {' '.join(str(known[path].description).split())}"
        case "value_error":
            return f"can't be used: {details['ctx']['error']}."
    return mismatch(known[path], _value(tree, path))


def _value(tree: Tree, path: KeyPath) -> Any:
    value: Any = tree
    for key in path:
        value = value[key]
    return value


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
