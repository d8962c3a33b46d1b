"""Hugging Face's `TrainingArguments` as a table of names, types, defaults and help, read from its source.

Importing the class takes seconds, because it imports torch; its text takes milliseconds. A contract test holds the
table against the class.
"""

from __future__ import annotations

import ast
import importlib.util
import operator
import types
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args

_SOURCES: Final = ("training_args.py", "trainer_utils.py", "debug_utils.py")
_TYPES: Final[dict[str, Any]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "Any": Any,
    "dict": dict[str, Any],
}


@dataclass(frozen=True)
class Argument:
    """One field of TrainingArguments: its type as pydantic should check it, its default and its help."""

    annotation: Any
    default: Any
    help: str


@cache
def training_arguments() -> dict[str, Argument]:
    """Every field of the installed TrainingArguments that a recipe can write down, by name."""
    classes = _classes()
    enums = {name: values for name, node in classes.items() if (values := _enum_values(node))}
    body = [node for node in classes["TrainingArguments"].body if not isinstance(node, ast.FunctionDef)]
    variables = {name: ast.literal_eval(value) for name, value in _assignments(*body) if _is_literal(value)}
    found = {
        node.target.id: _argument(node, enums, variables)
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {name: argument for name, argument in found.items() if argument is not None}


def one_of(choices: Iterable[Any]) -> Any:
    """The type that holds the `choices` and nothing else."""
    return operator.getitem(Literal, tuple(choices))


def _classes() -> dict[str, ast.ClassDef]:
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("transformers is not installed: pip install hf-efficient", name="transformers")
    trees = [ast.parse((Path(spec.origin).parent / name).read_text(encoding="utf-8")) for name in _SOURCES]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def _enum_values(node: ast.ClassDef) -> tuple[str, ...]:
    if not any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases):
        return ()
    return tuple(str(value.value) for _, value in _assignments(*node.body) if isinstance(value, ast.Constant))


def _assignments(*body: ast.stmt) -> list[tuple[str, ast.expr]]:
    """Each `name = value` in `body`, also within its `if`s, in order.

    For a default that depends on the version of torch, the last one is that of the pinned version.
    """
    nodes = (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Assign))
    return [(target.id, node.value) for node in nodes for target in node.targets if isinstance(target, ast.Name)]


def _argument(node: ast.AnnAssign, enums: dict[str, tuple[str, ...]], variables: dict[str, Any]) -> Argument | None:
    """The argument that `name: annotation = field(default=…, metadata=…)` declares; None for live Python objects."""
    call = node.value
    kinds = _kinds(node.annotation, enums)
    if not isinstance(call, ast.Call) or not kinds:
        return None
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    metadata = _literals(keywords["metadata"])
    default = _default(keywords, variables)
    if "choices" in metadata:
        kinds = [one_of(metadata["choices"]) if kind is str else kind for kind in kinds]
    if metadata.get("const") is True and bool not in kinds:
        kinds.append(bool)
    if isinstance(default, str) and not any(default in get_args(kind) for kind in kinds) and str not in kinds:
        kinds.append(one_of([default]))
    return Argument(Union[tuple(kinds)], default, str(metadata["help"]).replace("%%", "%"))  # noqa: UP007


def _kinds(annotation: ast.expr, enums: dict[str, tuple[str, ...]]) -> list[Any]:
    """The types of an annotation's union; where it names an enum, plain `str` gives way to the enum's values."""
    kinds = [_kind(member, enums) for member in _members(annotation)]
    named = [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name) and node.id in enums]
    if named:
        kinds = [kind for kind in kinds if kind is not str] + [one_of(enums[name]) for name in named]
    return [] if Ellipsis in kinds else kinds


def _members(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp):
        return [*_members(annotation.left), *_members(annotation.right)]
    return [annotation]


def _kind(node: ast.expr, enums: dict[str, tuple[str, ...]]) -> Any:
    """The type that one member of a union names, or Ellipsis if no text can stand for it."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Name(id=name) if name in enums:
            return one_of(enums[name])
        case ast.Name(id=name):
            return _TYPES.get(name, ...)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return types.GenericAlias(tuple, (_kind(item, enums), ...))
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, value])):
            return types.GenericAlias(dict, (_kind(key, enums), _kind(value, enums)))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=value)):
            return one_of([value])
    return ...


def _default(keywords: dict[str | None, ast.expr], variables: dict[str, Any]) -> Any:
    if "default_factory" in keywords:
        return ()
    value = keywords["default"]
    return variables[value.id] if isinstance(value, ast.Name) else ast.literal_eval(value)


def _literals(node: ast.expr) -> dict[str, Any]:
    """The entries of a dictionary's source whose values are literals."""
    pairs = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
    return {ast.literal_eval(key): ast.literal_eval(value) for key, value in pairs if key and _is_literal(value)}


def _is_literal(node: ast.expr) -> bool:
    return all(isinstance(part, (ast.Constant, ast.List, ast.Tuple, ast.expr_context)) for part in ast.walk(node))
