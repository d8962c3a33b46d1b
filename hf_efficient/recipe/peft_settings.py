"""The methods of peft and their settings: names, types and defaults, read from its source.

Importing peft takes seconds, because it imports torch; its text takes milliseconds. A contract test holds the tables
against the classes.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import GenericAlias
from typing import Any, Final, Union

from hf_efficient.recipe.training_arguments import one_of

_TYPES: Final[dict[str, Any]] = {"bool": bool, "float": float, "int": int, "str": str}
_GROUPS: Final = {"list": list, "List": list, "tuple": list, "Tuple": list, "set": list, "dict": dict, "Dict": dict}


@dataclass(frozen=True)
class Method:
    """One method of peft: the type of each of its settings, and whether it puts virtual tokens before a row."""

    settings: dict[str, Any]
    is_prompt_learning: bool


@cache
def peft_methods() -> tuple[str, ...]:
    """The names of all methods that peft knows: its `PeftType`s, in lower case."""
    types = next(node for node in _tree("utils/peft_types.py").body if _is_class(node, "PeftType"))
    values = [node.value for node in ast.walk(types) if isinstance(node, ast.Assign)]
    return tuple(sorted(str(value.value).lower() for value in values if isinstance(value, ast.Constant)))


@cache
def peft_method(name: str) -> Method:
    """A method's settings with those that it inherits."""
    chain = list(_ancestors(f"tuners/{name}/config.py", lambda node: _sets_type(node, name)))
    settings: dict[str, Any] = {}
    for node in reversed(chain):
        settings |= {field.target.id: _type(field.annotation) for field in _fields(node)}
    return Method(settings, any(node.name == "PromptLearningConfig" for node in chain))


@cache
def _folder() -> Path:
    spec = importlib.util.find_spec("peft")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("peft is not installed: pip install hf-efficient", name="peft")
    return Path(spec.origin).parent


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((_folder() / path).read_text(encoding="utf-8"))


def _ancestors(path: str, wanted: Callable[[ast.ClassDef], bool]) -> Iterator[ast.ClassDef]:
    """The wanted class of a file, and those of peft that it inherits from, wherever they are."""
    tree = _tree(path)
    found = next((node for node in tree.body if isinstance(node, ast.ClassDef) and wanted(node)), None)
    if found is None:
        return
    yield found
    for base in found.bases:
        if isinstance(base, ast.Name) and (source := _home(tree, base.id, path)) is not None:
            yield from _ancestors(source, partial(_is_class, name=base.id))


def _home(tree: ast.Module, name: str, path: str) -> str | None:
    """The file of peft with a name that is used in a file: itself, a module, or a package's `config.py`."""
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    module = next((node.module for node in imports if any(alias.name == name for alias in node.names)), None)
    if module is None:
        return path
    if not module.startswith("peft."):
        return None
    home = module.removeprefix("peft.").replace(".", "/")
    return f"{home}.py" if (_folder() / f"{home}.py").is_file() else f"{home}/config.py"


def _is_class(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name


def _sets_type(node: ast.ClassDef, method: str) -> bool:
    """Whether a class says `self.peft_type = PeftType.METHOD`."""
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Assign)]
    return any(isinstance(value, ast.Attribute) and value.attr == method.upper() for value in values)


def _fields(node: ast.ClassDef) -> Iterator[Any]:
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and not _is_derived(field.value):
            yield field


def _is_derived(value: ast.expr | None) -> bool:
    """Whether a field is computed, and no argument: `field(init=False)`."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    return any(keyword.arg == "init" and ast.unparse(keyword.value) == "False" for keyword in keywords)


def _type(node: ast.expr) -> Any:
    """The type that an annotation names, as a recipe can write its values; Any where text can't say more."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return _type(ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            return _TYPES.get(name, _GROUPS.get(name, Any))
        case ast.BinOp(left=left, right=right):
            return _union([_type(left), _type(right)])
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _union([_type(inner), None])
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=members)):
            return _union([_type(member) for member in members])
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            words = [ast.literal_eval(word) for word in (inner.elts if isinstance(inner, ast.Tuple) else [inner])]
            return str if any("[" in str(word) for word in words) else one_of(words)  # a pattern stands for many
        case ast.Subscript(value=ast.Name(id="list" | "List"), slice=inner):
            return GenericAlias(list, (_type(inner),))
        case ast.Subscript(value=ast.Name(id=name)):
            return _GROUPS.get(name, Any)
    return Any


def _union(members: list[Any]) -> Any:
    return Any if Any in members else Union[tuple(members)]  # noqa: UP007
