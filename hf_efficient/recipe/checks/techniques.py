"""What the techniques need of the task, the model and each other; augmentation has a module of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.checks.conditions import generates, is_language_model, reads_images
from hf_efficient.recipe.checks.need import Check, Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe


def _has_no_virtual_tokens(recipe: Recipe) -> bool:
    return recipe.peft is None or not recipe.peft.is_prompt_learning


_OF_ORDER: Final = (
    Need(
        "curriculum",
        lambda r: r.batching.padding != "tokens",
        "batching.padding: tokens sorts all rows of an epoch by length; write bucketed",
    ),
    *(
        Need(path, lambda r: not r.data.packing, "rows share sequences: write data.packing: false")
        for path in ("curriculum", "prune")
    ),
)

_OF_DISTILL: Final = (
    Need(
        "distill.beta",
        lambda r: r.distill is None or r.distill.divergence == "jensen_shannon",
        "set distill.divergence: jensen_shannon",
    ),
    Need(
        "distill.temperature",
        lambda r: r.distill is None or r.distill.divergence != "squared_error",
        "a squared error of logits has none",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or generates(r),
        "only a model of text-generation or text2text-generation answers with a vocabulary",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or r.distill.divergence != "squared_error",
        "a squared error takes all logits",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or len(r.distill.teachers) == 1,
        "the likeliest tokens of several teachers can't be averaged",
    ),
    Need(
        "distill.teacher_weights",
        lambda r: r.distill is None or isinstance(r.distill.teacher, tuple),
        "give distill.teacher a list of several",
    ),
    *(
        Need(
            path,
            lambda r: r.distill is None or _has_no_virtual_tokens(r),
            "the virtual tokens of peft.method stand among those of the row",
        )
        for path in ("distill.hidden", "distill.attention", "distill.relations")
    ),
)

_OF_FREEZE: Final = (
    Need(
        "freeze.cache_max_gb", lambda r: r.freeze is None or r.freeze.cache is not False, "take freeze.cache: false out"
    ),
    Need(
        "freeze.train_only",
        lambda r: r.peft is None,
        "peft trains the adapter and the head alone; take peft out, or see peft's bias and method: ln_tuning",
    ),
    Need("freeze.unfreeze", lambda r: r.peft is None, "peft leaves the model's own weights as they are; take one out"),
)

NEEDS: Final = (
    *_OF_ORDER,
    *_OF_DISTILL,
    *_OF_FREEZE,
    Need("training.layerwise_lr_decay", _has_no_virtual_tokens, "virtual tokens belong to no layer"),
)


def _student(recipe: Recipe) -> Iterator[Complaint]:
    """A student that is made from its teacher has no name of its own."""
    distill = recipe.distill
    if distill is not None and distill.student is not None and recipe.model.name != distill.teachers[0]:
        yield "model.name", "can't take effect: distill.student makes the model from the teacher; take one out."


def _peft(recipe: Recipe) -> Iterator[Complaint]:
    """The settings are peft's for the method, the method is one for the task, and weights are not sharded."""
    peft, training = recipe.peft, recipe.training
    if peft is None:
        return
    yield from ((f"peft.{name}", message) for name, message in peft.complaints())
    if peft.is_prompt_learning and reads_images(recipe):
        yield (
            "peft.method",
            f"is {peft.method}, which puts virtual tokens before text, and images have none: take lora.",
        )
    if peft.is_prompt_learning and is_language_model(recipe) and recipe.data.packing is not False:
        yield (
            "data.packing",
            "must be false beside virtual tokens, which stand before each row: write data.packing: false.",
        )
    for name in ("fsdp", "deepspeed"):
        if getattr(training, name):
            yield f"training.{name}", "shards a model whose weights all train; take it out, or peft."


def _thawing(recipe: Recipe) -> Iterator[Complaint]:
    """Something thaws before the run ends, as far as its length is written in the same words."""
    training, unfreeze = recipe.training, None if recipe.freeze is None else recipe.freeze.unfreeze
    if unfreeze is None:
        return
    words = "epochs" if training.max_steps < 1 else "steps"
    every = unfreeze.every_epochs if words == "epochs" else unfreeze.every_steps
    end = training.num_train_epochs if words == "epochs" else training.max_steps
    if every is not None and every >= end:
        yield f"freeze.unfreeze.every_{words}", f"can't take effect: the run ends after {end:g} {words}."


CHECKS: Final[tuple[Check, ...]] = (_student, _peft, _thawing)
