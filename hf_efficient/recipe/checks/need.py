"""What the checks of a recipe are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe

Complaint: TypeAlias = tuple[str, str]
"""The dotted path of a setting, and what is wrong with it."""
Condition: TypeAlias = "Callable[[Recipe], bool]"
Check: TypeAlias = "Callable[[Recipe], Iterator[Complaint]]"
"""What is wrong with settings in a way that takes more than a need to say."""


@dataclass(frozen=True)
class Need:
    """A condition without which the setting at `path` can't take effect, and how to bring it about."""

    path: str
    holds: Condition
    remedy: str
