"""Distillation of what a teacher computes on the way: hidden states, attention and relations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers import TrainerCallback

from hf_efficient.errors import PlanError
from hf_efficient.losses.distillation import Features
from hf_efficient.losses.features import (
    attention_scores,
    attention_transfer,
    hidden_cosine,
    hidden_squared_error,
    relation_kl,
    split_heads,
)
from hf_efficient.models.adapters import is_adapted
from hf_efficient.models.projection import Projection
from hf_efficient.models.taps import Taps

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from hf_efficient.models.teacher import Teacher
    from hf_efficient.recipe.distill import Attention, Distill, Hidden, Relations

Distance = Callable[[Tensor | None], Tensor]


def feature_losses(
    section: Distill, student: PreTrainedModel, teachers: Sequence[Teacher], projection: Projection | None = None
) -> Iterator[Features]:
    """The terms of the objective that compare what student and teacher compute.

    `projection` is that of `projection_of`.

    Raises:
        PlanError: there are several teachers, or student and teacher can't be compared like that.
    """
    makers: dict[str, Callable[[Any, Taps, Taps], Iterator[Distance]]] = {
        "hidden": partial(_hidden, projection),
        "attention": _attention,
        "relations": _relations,
    }
    for name, wish in section.features.items():
        place = f"distill.{name}"
        if len(teachers) > 1:
            raise PlanError(f"{place}: expected one teacher, found {len(teachers)}; their layers can't be averaged.")
        taps = Taps(student, place), Taps(teachers[0].model, place)
        yield Features(teachers[0].logits, tuple(makers[name](wish, *taps)), wish.weight, place)


def projection_of(section: Distill, student: PreTrainedModel, teacher: PreTrainedModel) -> Projection | None:
    """The learned map that hidden states of unequal widths need; None where none are compared, or they are equal.

    Raises:
        PlanError: the student is an adapter, or is cut over several processes: neither would take the map along.
    """
    ours, theirs = (Taps(model, "distill.hidden") for model in (student, teacher))
    if section.hidden is None or ours.width == theirs.width:
        return None
    if is_adapted(student) or getattr(student, "is_distributed_loading_by_transformers", False):
        raise PlanError(
            f"distill.hidden: states of width {ours.width} would be brought to the teacher's {theirs.width} by a "
            "learned map, which neither adapters nor model.distributed_config take along; take distill.relations, "
            "which needs none."
        )
    return Projection(ours, theirs.width)


class TakeOff(TrainerCallback):
    """Takes the learned map off the student when it has learnt: what is scored and saved is the student alone."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after the last step, once the best weights are loaded."""
        self.projection.take_off()


def layer_map(layers: tuple[int, ...] | None, student: int, teacher: int, place: str) -> list[tuple[int, int]]:
    """Pairs of a student's layer and the teacher's that it learns from, from 0.

    By default spread evenly, the last from the last (TinyBERT, Jiao et al. 2020, arXiv 1909.10351).

    Raises:
        PlanError: not as many as the student has layers.
    """
    if layers is None:
        return [(number, math.ceil((number + 1) * teacher / student) - 1) for number in range(student)]
    if len(layers) != student:
        raise PlanError(
            f"{place}.layers: expected one of the teacher's layers for each of {student}, found {len(layers)}."
        )
    return list(enumerate(layers))


def _hidden(projection: Projection | None, wish: Hidden, student: Taps, teacher: Taps) -> Iterator[Distance]:
    distance = hidden_cosine if wish.distance == "cosine" else hidden_squared_error
    source = projection or student
    for ours, theirs in layer_map(wish.layers, student.num_layers, teacher.num_layers, student.place):
        source.tap(ours, "hidden")
        teacher.tap(theirs, "hidden")
        yield partial(_compare_hidden, distance, source, ours, teacher, theirs)


def _compare_hidden(
    distance: Callable[[Tensor, Tensor, Tensor | None], Tensor],
    student: Taps | Projection,
    ours: int,
    teacher: Taps,
    theirs: int,
    mask: Tensor | None,
) -> Tensor:
    return distance(student.hidden(ours), teacher.hidden(theirs), mask)


def _attention(wish: Attention, student: Taps, teacher: Taps) -> Iterator[Distance]:
    _check_heads(student, teacher)
    for ours, theirs in layer_map(wish.layers, student.num_layers, teacher.num_layers, student.place):
        student.tap(ours, "queries", "keys")
        teacher.tap(theirs, "queries", "keys")
        yield partial(_compare_attention, student, ours, teacher, theirs)


def _compare_attention(student: Taps, ours: int, teacher: Taps, theirs: int, mask: Tensor | None) -> Tensor:
    student_scores, teacher_scores = (
        attention_scores(taps.heads(layer, "queries"), taps.heads(layer, "keys"))
        for taps, layer in ((student, ours), (teacher, theirs))
    )
    return attention_transfer(student_scores, teacher_scores, mask)


def _relations(wish: Relations, student: Taps, teacher: Taps) -> Iterator[Distance]:
    ours = student.num_layers - 1
    theirs = teacher.num_layers - 1 if wish.teacher_layer is None else wish.teacher_layer
    for taps, layer in ((student, ours), (teacher, theirs)):
        taps.tap(layer, "queries", "keys", "values")
    if wish.kind == "minilm":
        _check_heads(student, teacher)
        pairs = [("queries", "keys"), ("values", "values")]
        heads = None
    else:
        pairs = [("queries", "queries"), ("keys", "keys"), ("values", "values")]
        heads = _relation_heads(wish, student, teacher)
    for first, second in pairs:
        yield partial(_compare_relation, student, ours, teacher, theirs, first, second, heads)


def _compare_relation(
    student: Taps,
    ours: int,
    teacher: Taps,
    theirs: int,
    first: str,
    second: str,
    heads: int | None,
    mask: Tensor | None,
) -> Tensor:
    def part(taps: Taps, layer: int, role: str) -> Tensor:
        vectors = taps.heads(layer, role)
        return vectors if heads is None else split_heads(vectors, heads)

    relations = [
        (part(taps, layer, first), part(taps, layer, second)) for taps, layer in ((student, ours), (teacher, theirs))
    ]
    return relation_kl(relations[0], relations[1], mask)


def _check_heads(student: Taps, teacher: Taps) -> None:
    ours, theirs = (taps.model.config.num_attention_heads for taps in (student, teacher))
    if ours != theirs:
        raise PlanError(
            f"{student.place}: expected as many heads in student and teacher, found {ours} and {theirs}; take "
            "distill.relations with kind: minilmv2, which needs no equal number."
        )


def _relation_heads(wish: Relations, student: Taps, teacher: Taps) -> int:
    widths = student.width, teacher.width
    heads = wish.heads or int(teacher.model.config.num_attention_heads)
    if any(width % heads for width in widths):
        fitting = math.gcd(*widths)
        raise PlanError(
            f"{student.place}.heads: expected a divisor of the widths {widths[0]} and {widths[1]}, found {heads}; "
            f"write a divisor of {fitting}."
        )
    return heads
