"""Rows of a text and the text that is to be made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hf_efficient.data.columns import guess_text, missing_column, read_texts
from hf_efficient.errors import DataError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe.data import Columns

TARGET_NAMES = ("target", "summary")


@dataclass(frozen=True)
class TargetRoles:
    """The columns of a data set of sources and targets, by the part that they play."""

    text: str
    target: str | None
    """None where the rows have no targets."""
    weight: str | None


def resolve_target_columns(columns: Columns, table: Dataset, place: Callable[[str], str]) -> TargetRoles:
    """The columns that the recipe names, or that the names and types of the table's columns tell.

    Raises:
        RecipeError: a named column does not exist.
        DataError: the text column can't be told.
    """
    for part in ("text", "target", "weight"):
        name = getattr(columns, part)
        if name is not None and name not in table.column_names:
            raise RecipeError(f"{place(f'data.columns.{part}')}: {missing_column(name, table.column_names)}")
    target = columns.target or next((name for name in TARGET_NAMES if name in table.column_names), None)
    return TargetRoles(columns.text or guess_text(table, {target, columns.weight}, place), target, columns.weight)


def has_targets(table: Dataset, column: str | None) -> bool:
    """Whether the table has the column of targets, and in it more than gaps."""
    return column in table.column_names and any(value is not None for value in table[column])


@dataclass(frozen=True)
class TargetRules:
    """Rows of a text and its target."""

    roles: TargetRoles

    @classmethod
    def of(cls, columns: Columns, table: Dataset, place: Callable[[str], str]) -> TargetRules:
        """The rules for tables like this one."""
        return cls(resolve_target_columns(columns, table, place))

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Texts are texts, and targets are there where rows are scored."""
        read_texts(table, self.roles.text, split)
        if scored or has_targets(table, self.roles.target):
            read_targets(table, self.roles.target, split)

    def strata(self, table: Dataset) -> None:
        """None: every target is its own."""


def read_targets(table: Dataset, column: str | None, split: str) -> list[str]:
    """The targets of a split.

    Raises:
        DataError: there is no such column, or a row has no target.
    """
    if column is None:
        raise DataError(
            f"{split}: expected a column of targets, named {' or '.join(TARGET_NAMES)}, found "
            f"{', '.join(table.column_names)}; name it in data.columns.target"
        )
    return read_texts(table, column, split)
