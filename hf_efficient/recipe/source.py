"""Where the values of a recipe came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from hf_efficient.recipe.tree import KeyPath, dotted


@dataclass(frozen=True)
class Source:
    """The origin of one value: a recipe's file and line, `command line`, `overrides`, `api` or `default`."""

    origin: str
    line: int | None = None

    def __str__(self) -> str:
        return self.origin if self.line is None else f"{self.origin}:{self.line}"

    @property
    def short(self) -> str:
        """The origin without its folder, for the comments of a resolved recipe."""
        return str(self) if self.line is None else f"{PurePath(self.origin).name}:{self.line}"


DEFAULT: Final = Source("default")
COMMAND_LINE: Final = Source("command line")
OVERRIDES: Final = Source("overrides")
API: Final = Source("api")


@dataclass(frozen=True)
class Provenance:
    """The source of every key that somebody wrote, and of the recipe as a whole."""

    root: Source = API
    given: Mapping[KeyPath, Source] = field(default_factory=dict)

    def source(self, path: KeyPath) -> Source:
        """Who wrote the value at `path`; the default if nobody did."""
        return self.given.get(path, DEFAULT)

    def place(self, path: KeyPath) -> str:
        """`file:line: path` of the key at `path`, or of the innermost written key around it."""
        around = (path[:length] for length in range(len(path), 0, -1))
        source = next((self.given[outer] for outer in around if outer in self.given), self.root)
        return f"{source}: {dotted(path)}"
