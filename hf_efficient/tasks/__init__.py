"""Tasks: what differs between them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.tasks.base import Binds, Condenses, Generates, PredictStep, Streams, Task
from hf_efficient.tasks.causal_lm import CausalLM
from hf_efficient.tasks.image_classification import ImageClassification
from hf_efficient.tasks.prompt_completion import PromptCompletion
from hf_efficient.tasks.seq2seq import Text2TextGeneration
from hf_efficient.tasks.text_classification import TextClassification
from hf_efficient.tasks.token_classification import TokenClassification

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from torch import Tensor
    from transformers import PreTrainedModel

    from hf_efficient.data.rules import Rules
    from hf_efficient.recipe.data import Columns, DataSection
    from hf_efficient.recipe.task import TaskSection

__all__ = [
    "TASKS",
    "CausalLM",
    "Generates",
    "ImageClassification",
    "PromptCompletion",
    "Streams",
    "Task",
    "Text2TextGeneration",
    "TextClassification",
    "TokenClassification",
    "bind",
    "learn",
    "predict_step",
    "preprocess_logits_for_metrics",
    "restore",
    "rules_of",
    "to_predict",
]

TASKS: Final[dict[str, Any]] = {
    "image-classification": ImageClassification,
    "text-classification": TextClassification,
    "token-classification": TokenClassification,
    "text2text-generation": Text2TextGeneration,
    "text-generation": CausalLM,
}
"""The task of each `task.type`."""


def rules_of(section: TaskSection) -> Callable[[Columns, Dataset, Callable[[str], str]], Rules]:
    """What makes the task's rules for rows, `rules_of(section)(columns, table, place)`."""
    make_rules: Callable[[Columns, Dataset, Callable[[str], str]], Rules] = TASKS[section.type].rules
    return make_rules


def learn(section: TaskSection, data: DataSection, tables: DatasetDict, place: Callable[[str], str] = str) -> Task:
    """The task that the recipe and the training rows describe.

    Raises:
        RecipeError, PlanError, DataError: as the task's own `learn`.
    """
    task: Task = TASKS[section.type].learn(section, data, tables, place)
    return task


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
    task: Task = TASKS[section.type].restore(section, data, table, config, place)
    return task


def bind(task: Task, model: PreTrainedModel, processing_class: Any) -> Task:
    """The task with what it needs of the model that it is used with, if it needs anything.

    Raises:
        PlanError: the model can't do the task.
    """
    return task.bind(model, processing_class) if isinstance(task, Binds) else task


def predict_step(task: object) -> PredictStep | None:
    """What generates the task's predictions from a batch; None where they are read off the logits."""
    return task.predict_step if isinstance(task, Generates) else None


def preprocess_logits_for_metrics(task: object) -> Callable[[Any, Tensor], Tensor] | None:
    """What makes the task's metrics out of each batch of an evaluation; None where the logits are kept."""
    if isinstance(task, Generates) or not isinstance(task, Condenses):
        return None
    return task.preprocess_logits_for_metrics


def to_predict(task: Task) -> Task:
    """The task as it is put to a trained model: a language model is given prompts, and asked to go on."""
    return PromptCompletion.of(task) if isinstance(task, CausalLM) else task
