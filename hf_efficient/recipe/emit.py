"""A recipe's values as YAML 1.2, a comment after each that says where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hf_efficient.recipe.tree import KeyPath
from hf_efficient.recipe.yaml import read_scalar

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")


def emit(tree: Mapping[str, Any], comment: Callable[[KeyPath], str]) -> str:
    """The YAML text of `tree`, with `comment(path)` at the end of each value's line."""
    return "".join(f"{line}\n" for line in _lines(tree, comment, ()))


def _lines(tree: Mapping[str, Any], comment: Callable[[KeyPath], str], outer: KeyPath) -> Iterator[str]:
    indent = "  " * len(outer)
    for key, value in tree.items():
        path = (*outer, key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_text(key)}:"
            yield from _lines(value, comment, path)
        else:
            yield f"{indent}{_text(key)}: {_flow(value)}  # {comment(path)}"


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_flow(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _text(text: str) -> str:
    """`text` bare if it reads as itself, else in double quotes."""
    if _PLAIN.fullmatch(text) and _reads_as_text(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)


def _reads_as_text(text: str) -> bool:
    try:
        return isinstance(read_scalar(text), str)
    except ValueError:
        return False
