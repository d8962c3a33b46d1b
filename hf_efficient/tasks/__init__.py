"""Tasks: what differs between them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.tasks.base import Task
from hf_efficient.tasks.image_classification import ImageClassification
from hf_efficient.tasks.text_classification import TextClassification

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from hf_efficient.data.rules import Rules
    from hf_efficient.recipe.data import Columns, DataSection
    from hf_efficient.recipe.task import TaskSection

__all__ = ["TASKS", "ImageClassification", "Task", "TextClassification", "learn", "restore", "rules_of"]

TASKS: Final[dict[str, Any]] = {
    "image-classification": ImageClassification,
    "text-classification": TextClassification,
}
"""The task of each `task.type`."""


def rules_of(section: TaskSection) -> Callable[[Columns, Dataset, Callable[[str], str]], Rules]:
    """What makes the task's rules for rows, `rules_of(section)(columns, table, place)`."""
    return TASKS[section.type].rules


def learn(section: TaskSection, data: DataSection, tables: DatasetDict, place: Callable[[str], str] = str) -> Task:
    """The task that the recipe and the training rows describe.

    Raises:
        RecipeError, PlanError, DataError: as the task's own `learn`.
    """
    return TASKS[section.type].learn(section, data, tables, place)


def restore(
    section: TaskSection,
    data: DataSection,
    table: Dataset,
    config: Any,
    place: Callable[[str], str] = str,
) -> Task:
    """The task of a trained model, to score or predict a table.

    Raises:
        RecipeError, PlanError, DataError: as the task's own `restore`.
    """
    return TASKS[section.type].restore(section, data, table, config, place)
