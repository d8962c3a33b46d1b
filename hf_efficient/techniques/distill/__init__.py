"""Distillation: the student learns a teacher's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor

from hf_efficient.errors import PlanError
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import binary_kl, forward_kl, jensen_shannon, logit_squared_error, reverse_kl
from hf_efficient.losses.supervised import Supervised
from hf_efficient.models.teacher import Teachers, load_teacher
from hf_efficient.recipe.distill import Distill
from hf_efficient.techniques.distill.cache import FillCache, cached
from hf_efficient.techniques.distill.features import feature_losses

if TYPE_CHECKING:
    from hf_efficient.plan import Plan

Divergence = Callable[[Tensor, Tensor], Tensor]

_OF_PROBABILITIES: Final = {"forward_kl": forward_kl, "reverse_kl": reverse_kl, "jensen_shannon": jensen_shannon}


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
    models = [load_teacher(name, plan.task, plan.processing_class, "distill.teacher") for name in section.teachers]
    teachers = Teachers.on(plan.args, models, section.teacher_weights)
    labels_weight = max(0.0, 1 - section.weight) if section.labels_weight is None else section.labels_weight
    plan = plan.with_labels_weight(labels_weight, by="distill")
    if section.weight > 0:
        divergence = divergence_of(section, problem)
        cache = cached(plan, section, teachers, problem)
        if cache is not None:
            plan = plan.with_callback(FillCache(cache))
        answers = _answers(teachers, section, problem) if cache is None else cache.logits
        plan = plan.with_loss(SoftLabels(labels, answers, divergence, section.weight))
    for loss in feature_losses(section, plan.model, teachers):
        plan = plan.with_loss(loss)
    return plan


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
    if name == "jensen_shannon":
        return partial(jensen_shannon, temperature=section.temperature, beta=section.beta)
    return partial(_OF_PROBABILITIES.get(name, forward_kl), temperature=section.temperature)
