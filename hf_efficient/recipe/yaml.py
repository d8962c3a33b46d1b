"""A strict reader of YAML 1.2: plain values, and the line of each.

Recipes need no anchors, aliases, tags or second documents, so all of them are refused: what stands at a place is what
is meant there, no alias bomb can be written, and every value has one line to name in a message.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from hf_efficient.errors import RecipeError
from hf_efficient.recipe.tree import KeyPath, Tree

Scalar: TypeAlias = str | bool | int | float | None
Where: TypeAlias = Callable[[int], str]

MAX_DEPTH: Final = 32
MAX_CHARACTERS: Final = 1_000_000
MAX_DIGITS: Final = 100

# The core schema of YAML 1.2.2, section 10.3.2.
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_PREFIXED: Final = {"0o": (re.compile(r"0o[0-7]+"), 8), "0x": (re.compile(r"0x[0-9a-fA-F]+"), 16)}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass
class Document:
    """What one YAML file says: its values, the line of every key, and the keys with nothing written after them."""

    tree: Tree
    lines: dict[KeyPath, int]
    blank: set[KeyPath]


def read_scalar(text: str) -> Scalar:
    """The value of an unquoted `text`: `3e-4` is a number, `no` is a word.

    Raises ValueError for a number that is not finite or absurdly long.
    """
    if text in _WORDS:
        return _WORDS[text]
    pattern, base = _PREFIXED.get(text[:2], (_INTEGER, 10))
    number: Scalar = text
    if pattern.fullmatch(text) or _FLOAT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number has at most {MAX_DIGITS} characters, found one of {len(text)}")
        number = int(text, base) if pattern.fullmatch(text) else float(text)
    if _NOT_FINITE.fullmatch(text) or (isinstance(number, float) and not math.isfinite(number)):
        raise ValueError(f"a number must be finite, found {text}")
    return number


def read_document(text: str, path: str) -> Document:
    """The mapping that the YAML `text` of the file `path` holds.

    Raises RecipeError, with the line, for whatever is no plain YAML 1.2 mapping.
    """
    reader = _Reader(lambda line: f"{path}:{line}")
    tree = reader.read(text)
    if tree is _NOTHING:
        raise RecipeError(f"{path} is empty; a recipe names at least a model and data, as in `model: {{name: …}}`.")
    if not isinstance(tree, dict):
        raise RecipeError(f"{path}:1: a recipe is a mapping of sections such as `model:`, found one value or a list.")
    return Document(tree, reader.lines, reader.blank)


def read_value(text: str, place: str) -> Any:
    """The value of `text` on a command line: a scalar, or a list or mapping in brackets.

    Raises RecipeError, beginning with `place`.
    """
    text = text.strip()
    if text[:1] in ("[", "{", '"', "'"):
        return _Reader(lambda line: place).read(text)
    if text[:1] in tuple("!&*|>%@`"):
        raise RecipeError(f"{place}: YAML reserves a leading {text[0]}; put the value in quotes.")
    try:
        return read_scalar(text)
    except ValueError as error:
        raise RecipeError(f"{place}: {error}.") from error


_NOTHING: Final = object()


@dataclass
class _Reader:
    """One pass over the events of a YAML text."""

    where: Where
    lines: dict[KeyPath, int] = field(default_factory=dict)
    blank: set[KeyPath] = field(default_factory=set)

    def read(self, text: str) -> Any:
        """The value of the only document in `text`, or `_NOTHING`."""
        if len(text) > MAX_CHARACTERS:
            raise RecipeError(f"{self.where(1)}: a recipe has at most {MAX_CHARACTERS:,} characters.")
        value: Any = _NOTHING
        events = self._events(text)
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._check_document(event, first=value is _NOTHING)
            elif isinstance(event, NodeEvent):
                value = self._value(event, events, ())
        return value

    def _events(self, text: str) -> Iterator[Event]:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark.line, f"not valid YAML: {_problem(error)}") from error
        except ReaderError as error:
            line = text.count("\n", 0, error.position)
            raise self._error(line, f"not valid YAML: the character U+{error.character:04X}") from error

    def _value(self, event: Event, events: Iterator[Event], path: KeyPath) -> Any:
        self._check_node(event, path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, SequenceStartEvent):
            return list(self._items(events, path))
        return self._scalar(event)

    def _items(self, events: Iterator[Event], path: KeyPath) -> Iterator[Any]:
        for index, event in enumerate(events):
            if isinstance(event, CollectionEndEvent):
                return
            yield self._value(event, events, (*path, str(index)))

    def _mapping(self, events: Iterator[Event], path: KeyPath) -> Tree:
        tree: Tree = {}
        for event in events:
            if isinstance(event, CollectionEndEvent):
                break
            key = self._key(event, path)
            if key in tree:
                first = self.lines[(*path, key)]
                raise self._error(
                    event.start_mark.line, f"{'.'.join((*path, key))} stands here twice (see line {first})"
                )
            self.lines[(*path, key)] = event.start_mark.line + 1
            value = next(events)
            if isinstance(value, ScalarEvent) and value.style is None and value.value == "":
                self.blank.add((*path, key))
            tree[key] = self._value(value, events, (*path, key))
        return tree

    def _key(self, event: Event, path: KeyPath) -> str:
        self._check_node(event, path)
        if not isinstance(event, ScalarEvent):
            raise self._error(event.start_mark.line, "a key must be one word, found a list or a mapping")
        return str(event.value)

    def _scalar(self, event: Any) -> Scalar:
        if event.style is not None:
            return str(event.value)
        try:
            return read_scalar(event.value)
        except ValueError as error:
            raise self._error(event.start_mark.line, str(error)) from error

    def _check_node(self, event: Any, path: KeyPath) -> None:
        line = event.start_mark.line
        if isinstance(event, AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, AliasEvent) else "&"
            raise self._error(
                line, f"recipes take no YAML anchors or aliases, found {sign}{event.anchor}; write the value out"
            )
        if event.tag is not None:
            raise self._error(line, f"recipes take no YAML tags, found {event.tag}; write the plain value")
        if len(path) > MAX_DEPTH:
            raise self._error(line, f"a recipe is at most {MAX_DEPTH} levels deep")

    def _check_document(self, event: DocumentStartEvent, *, first: bool) -> None:
        line = event.start_mark.line
        if not first:
            raise self._error(line, "a recipe is one YAML document, found a second one after ---")
        if event.version not in (None, (1, 2)):
            raise self._error(line, "recipes are YAML 1.2; remove the %YAML line")

    def _error(self, line: int, message: str) -> RecipeError:
        return RecipeError(f"{self.where(line + 1)}: {message}.")


def _problem(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context).splitlines()[0]
    return "a tab; indent with spaces" if r"'\t'" in problem else problem
