"""What only some kinds of task read, write or label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.checks.conditions import (
    generates,
    has_labels,
    has_targets,
    is_language_model,
    labels_words,
    reads_images,
    reads_text,
    single_label,
)
from hf_efficient.recipe.checks.need import Check, Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe

NEEDS: Final = (
    Need("data.columns.tokens", labels_words, "set task.type: token-classification"),
    *(
        Need(path, lambda r: not labels_words(r), "token-classification gives each of data.columns.tokens one label")
        for path in ("data.columns.text", "data.columns.text_pair", "task.problem", "task.threshold")
    ),
    *(
        Need(path, has_targets, "set task.type: text2text-generation")
        for path in ("task.prefix", "data.columns.target", "data.max_target_length")
    ),
    Need("task.generation", generates, "only a model of text-generation or text2text-generation writes texts"),
    *(
        Need(path, is_language_model, "set task.type: text-generation")
        for path in ("data.columns.prompt", "data.columns.completion", "data.columns.messages", "data.packing")
    ),
    Need("data.columns.weight", lambda r: not is_language_model(r), "a language model's loss counts every token alike"),
    *(
        Need(path, has_labels, "a model that writes texts has no labels")
        for path in (
            *("task.problem", "task.labels", "task.class_weights", "task.threshold"),
            *("data.columns.label", "data.columns.text_pair", "data.unlabelled"),
        )
    ),
    *(
        Need(path, reads_images, "set task.type: image-classification")
        for path in ("data.columns.image", "data.image_size")
    ),
    *(
        Need(path, reads_text, "images have no text")
        for path in (
            *("data.columns.text", "data.columns.text_pair", "data.max_length", "data.truncation"),
            *("model.tokenizer", "model.pad_token"),
        )
    ),
    *(
        Need(path, lambda r: r.task.problem != "regression", "a regression has no classes")
        for path in ("task.labels", "task.class_weights")
    ),
    Need("task.threshold", lambda r: r.task.problem in ("auto", "multi_label"), "set task.problem: multi_label"),
    Need("training.label_smoothing_factor", single_label, "only a single_label problem has labels to smooth"),
)


def _names(recipe: Recipe) -> Iterator[Complaint]:
    """No name stands twice in a list, and weights are those of the labels."""
    task = recipe.task
    for path, names in (("task.labels", task.labels or ()), ("task.metrics", task.metrics or ())):
        yield from ((path, f"names {name} twice.") for name in dict.fromkeys(names) if names.count(name) > 1)
    if task.labels is not None and isinstance(task.class_weights, dict):
        for label in task.class_weights.keys() - set(task.labels):
            hint = did_you_mean(label, task.labels)
            yield f"task.class_weights.{label}", f"is not one of task.labels.{hint}"


def _columns(recipe: Recipe) -> Iterator[Complaint]:
    """No column is read as two things."""
    taken: dict[str, str] = {}
    for part, value in recipe.data.columns:
        for column in (value,) if isinstance(value, str) else value or ():
            if column in taken:
                yield (
                    f"data.columns.{part}",
                    f"names the column {column}, which is data.columns.{taken[column]} already.",
                )
            taken[column] = part


CHECKS: Final[tuple[Check, ...]] = (_names, _columns)
