"""Freezing: parameters that are not trained, and whose modules draw no dropout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from hf_efficient.errors import PlanError
from hf_efficient.models.depth import Depth, depth_of, frozen_modules
from hf_efficient.recipe.freeze import Freeze
from hf_efficient.techniques.freeze.cache import with_cache
from hf_efficient.techniques.freeze.unfreeze import thawing_of, with_thawing

if TYPE_CHECKING:
    from hf_efficient.plan import Plan

__all__ = ["apply", "finish", "frozen_names"]


def apply(plan: Plan, section: Freeze) -> Plan:
    """The plan whose model trains what the section leaves.

    Frozen modules stay in evaluation mode: what they compute depends on the row alone.

    Raises:
        PlanError: nothing is frozen, or nothing is left to be trained.
    """
    model = plan.model
    names = frozen_names(model, section)
    for name, weight in model.named_parameters():
        if name in names:
            weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise PlanError("freeze leaves nothing to be trained; freeze fewer layers.")
    for module in frozen_modules(model):
        thawable = [part for part in module.modules() if any(True for _ in part.parameters())]
        for part in thawable if section.unfreeze else [module]:
            part.register_forward_pre_hook(_stays_in_evaluation)
    return plan


def finish(plan: Plan, section: Freeze) -> Plan:
    """The plan with the cache of what is frozen, and with what thaws, once all other techniques are applied.

    Raises:
        PlanError: the recipe wants one of them where it can't be.
    """
    thawing = thawing_of(plan, section, stays=_stays(plan.model, section))
    plan = with_cache(plan, section, thawing)
    return with_thawing(plan, thawing) if thawing.turns else plan


def _stays_in_evaluation(module: nn.Module, inputs: Any) -> None:
    # The Trainer puts the whole model into training mode at each micro-batch.
    if module.training and not any(weight.requires_grad for weight in module.parameters()):
        module.eval()


def frozen_names(model: Any, section: Freeze) -> set[str]:
    """Names of the parameters that the section freezes.

    Raises:
        PlanError: a setting that freezes nothing, or layers that the model has not.
    """
    return set(_lowest(depth_of(model, "freeze"), section)) | _stays(model, section)


def _stays(model: Any, section: Freeze) -> set[str]:
    """Names of the parameters that are frozen for good, whatever thaws."""
    depth = depth_of(model, "freeze")
    frozen: set[str] = set()
    names = [name for name, _ in model.named_parameters()]
    for pattern in section.names:
        frozen.update(_matches(pattern, names))
    if section.train_only:
        frozen.update(set(names) - set(_kept(model, depth, section)))
    return frozen


def _lowest(depth: Depth, section: Freeze) -> Iterator[str]:
    if section.embeddings or section.layers:
        yield from depth.embeddings
    there_are = len(depth.layers)
    number = there_are if section.layers == "all" else section.layers or 0
    if number > there_are:
        raise PlanError(f"freeze.layers: expected at most {there_are}, the model's layers, found {number}.")
    for layer in depth.layers[:number]:
        yield from layer


def _matches(pattern: str, names: list[str]) -> list[str]:
    try:
        found = [name for name in names if re.search(pattern, name)]
    except re.error as error:
        raise PlanError(f"freeze.names: {pattern!r} is no regular expression ({error}).") from error
    if not found:
        raise PlanError(f"freeze.names: {pattern!r} matches no parameter; they are named like {names[0]}.")
    return found


def _kept(model: nn.Module, depth: Depth, section: Freeze) -> Iterator[str]:
    for name, _ in model.named_parameters():
        if "bias" in section.train_only and name.endswith("bias"):
            yield name
        if "norm" in section.train_only and re.search(r"norm", name, re.IGNORECASE):
            yield name
    if "head" in section.train_only:
        yield from depth.head
