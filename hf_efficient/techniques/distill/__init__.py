"""Distillation: the student learns a teacher's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor

from hf_efficient.errors import PlanError
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import (
    binary_kl,
    forward_kl,
    jensen_shannon,
    logit_squared_error,
    over_top_k,
    reverse_kl,
)
from hf_efficient.losses.supervised import Supervised
from hf_efficient.models.teacher import Loaded, Teacher, Teachers, Top, load_teacher
from hf_efficient.recipe.distill import Distill
from hf_efficient.tasks.packing import check_packing
from hf_efficient.techniques.distill.cache import FillCache, cached
from hf_efficient.techniques.distill.features import TakeOff, feature_losses, projection_of
from hf_efficient.techniques.distill.rows import with_rows_of

if TYPE_CHECKING:
    from hf_efficient.plan import Plan

Divergence = Callable[[Tensor, Tensor], Tensor]

_OF_PROBABILITIES: Final = {"auto": forward_kl, "forward_kl": forward_kl, "reverse_kl": reverse_kl}


def apply(plan: Plan, section: Distill) -> Plan:
    """The plan with the teacher's answers beside the labels.

    Raises:
        RecipeError: there is no such teacher.
        PlanError: the teacher does not fit the task, or a setting can't take effect on it.
    """
    labels = plan.losses[0] if plan.losses else None
    if plan.task is None or not isinstance(labels, Supervised):
        raise PlanError("distill needs a task's own rows; train by a recipe.")
    _check_weights(section)
    problem = plan.task.facts()["problem"]
    teachers: list[Teacher] = []
    for number, name in enumerate(section.teachers):
        loaded = load_teacher(name, plan.task, "distill.teacher")
        if plan.task.facts().get("packing"):
            check_packing(loaded.model, "distill.teacher")
        plan, prefix = with_rows_of(loaded, number, plan, section)
        teachers.append(Teacher.on(plan.args, loaded.model, prefix, _top(section, loaded)))
    labels_weight = max(0.0, 1 - section.weight) if section.labels_weight is None else section.labels_weight
    plan = plan.with_labels_weight(labels_weight, by="distill")
    if section.weight > 0:
        divergence = divergence_of(section, problem)
        kept = cached(plan, section, teachers, problem)
        if kept:
            plan = plan.with_callback(FillCache(kept, required=section.cache is True))
        together = Teachers.weighted(kept or teachers, section.teacher_weights)
        plan = plan.with_loss(SoftLabels(labels, _answers(together, section, problem), divergence, section.weight))
    return _with_features(plan, section, teachers)


def _with_features(plan: Plan, section: Distill, teachers: list[Teacher]) -> Plan:
    projection = projection_of(section, plan.model, teachers[0].model)
    if projection is not None:
        plan = plan.with_callback(TakeOff(projection)).with_note(projection.note)
    for loss in feature_losses(section, plan.model, teachers, projection):
        plan = plan.with_loss(loss)
    return plan


def _top(section: Distill, teacher: Loaded) -> Top | None:
    if section.top_k is None:
        return None
    vocabulary = teacher.model.config.get_text_config().vocab_size
    if section.top_k >= vocabulary:
        raise PlanError(
            f"distill.top_k: expected fewer than the {vocabulary:,} tokens of the vocabulary, found {section.top_k:,}; "
            "take it out to learn from all."
        )
    return Top(section.top_k, section.temperature)


def _check_weights(section: Distill) -> None:
    weights, names = section.teacher_weights, section.teachers
    if weights is not None and (len(weights) != len(names) or min(weights) <= 0):
        raise PlanError(
            f"distill.teacher_weights: expected a number above 0 for each of {len(names)} teachers, found {weights}."
        )


def _answers(teachers: Teachers, section: Distill, problem: str) -> Callable[[Mapping[str, Any]], Tensor]:
    if problem == "regression" or section.divergence == "squared_error":
        return teachers.numbers
    if problem == "multi_label":
        return partial(teachers.binary_logits, temperature=section.temperature)
    return partial(teachers.logits, temperature=section.temperature)


def divergence_of(section: Distill, problem: str) -> Divergence:
    """The distance of the student's answers from the teacher's that fits the problem.

    Raises:
        PlanError: there are no probabilities to compare, or the setting is of another divergence.
    """
    name = section.divergence
    if problem == "regression" and name not in ("auto", "squared_error"):
        raise PlanError(f"distill.divergence: {name} compares probabilities, and this is a regression; use auto.")
    if problem == "multi_label" and name not in ("auto", "forward_kl", "squared_error"):
        raise PlanError(f"distill.divergence: {name} needs classes that exclude one another; use auto.")
    if problem == "regression" or name == "squared_error":
        if "temperature" in section.model_fields_set:
            raise PlanError("distill.temperature can't take effect on a squared error of logits; take it out.")
        return logit_squared_error
    if problem == "multi_label":
        return partial(binary_kl, temperature=section.temperature)
    divergence = partial(jensen_shannon, beta=section.beta) if name == "jensen_shannon" else _OF_PROBABILITIES[name]
    if section.top_k is not None:
        return partial(over_top_k, divergence=divergence, temperature=section.temperature)
    return partial(divergence, temperature=section.temperature)
