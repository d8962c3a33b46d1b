"""What rows allow that are pinned, streamed or without labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.checks.conditions import classifies, in_memory, reads_images
from hf_efficient.recipe.checks.need import Check, Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe

_STREAMED: Final = {
    "data.validation_size": "no rows of a stream are held out; name those to score in data.validation",
    "data.fraction": "nobody knows how many rows a stream has; set training.max_steps",
    "data.limit": "a stream is read until training.max_steps; set that",
    "data.label_noise": "a stream is read as it is; take it out",
    "data.seed": "nothing is chosen from a stream; training.seed draws the order of its rows",
    "data.unlabelled": "a stream reads one source; take it out",
    "data.packing": "how many sequences the rows of a stream fill is known only when all are read; take it out",
    "task.class_weights": "they are scaled by the rows of each class, which nobody has counted in a stream; give each "
    "row a weight in data.columns.weight",
    "batching.max_tokens": "token budgets need the length of every row; take it out, and write batching.padding: auto",
    "freeze.unfreeze.every_epochs": "a stream has no known length; write every_steps",
    "active": "all rows of the pool are compared, and a stream is read once; take data.streaming out",
    "augment": "views are made before training, and a stream is read as it goes; take it out",
    "training.dataloader_drop_last": "each batch of a stream is whole; take it out",
    **dict.fromkeys(("curriculum", "prune"), "the rows of a stream can't be ranked before they are read; take one out"),
}
"""What a setting needs all rows for, and the alternative on a stream."""


def _learns_without_labels(recipe: Recipe) -> bool:
    is_consistent = recipe.augment is not None and recipe.augment.consistency is not None
    return is_consistent or (recipe.distill is not None and recipe.distill.teaches)


NEEDS: Final = (
    Need("data.config", lambda r: r.data.name is not None, "set data.name"),
    Need(
        "data.revision",
        lambda r: r.data.name is not None and not r.data.name.startswith("demo/"),
        "the assets under demo/ are pinned",
    ),
    *(Need(path, in_memory, remedy) for path, remedy in _STREAMED.items()),
    Need("data.label_noise", classifies, "only rows of one class each have a wrong one"),
    Need("data.shuffle_buffer", lambda r: r.data.streaming, "set data.streaming: true"),
    Need("data.validation_size", lambda r: r.data.validation is None, "data.validation names the rows to score"),
    Need(
        "data.unlabelled",
        _learns_without_labels,
        "only a teacher can answer such rows, or augment.consistency learn from them; name one",
    ),
)


def _stream(recipe: Recipe) -> Iterator[Complaint]:
    """A stream has no known length, so nothing of the run may be counted in epochs."""
    if not recipe.data.streaming:
        return
    training = recipe.training
    if reads_images(recipe):
        yield "data.streaming", "does not stream images, which are read when their batch comes anyway; take it out."
    if training.max_steps < 1:
        yield "data.streaming", "needs training.max_steps, since a stream has no known length: set it to at least 1."
    for name in ("eval_strategy", "save_strategy", "logging_strategy"):
        if getattr(training, name) == "epoch":
            yield f"training.{name}", "can't be epoch, since a stream has no known length: write steps."
    if recipe.early_stopping is not None and recipe.early_stopping.patience_epochs is not None:
        yield "early_stopping.patience_epochs", "needs epochs, which a stream has not: write patience_evaluations."


CHECKS: Final[tuple[Check, ...]] = (_stream,)
