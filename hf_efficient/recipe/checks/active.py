"""What choosing which rows to label needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.active import PEOPLE, SIMULATED
from hf_efficient.recipe.checks.conditions import classifies
from hf_efficient.recipe.checks.need import Check, Complaint, Condition, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.active import Active
    from hf_efficient.recipe.recipe import Recipe


def _if_active(holds: Callable[[Active], bool]) -> Condition:
    """Whether the section, if there is one, is so."""
    return lambda recipe: recipe.active is None or holds(recipe.active)


NEEDS: Final = (
    Need(
        "active",
        classifies,
        "only text-classification and image-classification, one label a row, choose what to label",
    ),
    *(
        Need(path, _if_active(lambda active: active.is_simulated), "a person labels any row of the pool; take it out")
        for path in ("data.fraction", "data.limit")
    ),
    Need("data.label_noise", lambda r: r.active is None, "labels come from active.labeller; take one out"),
    Need("active.warm_start", _if_active(lambda a: not a.fast), "with active.fast, a head is trained in no time anew"),
    Need("active.members", _if_active(lambda a: a.strategy == "bald"), "set active.strategy: bald"),
    Need("active.neighbours", _if_active(lambda a: a.strategy == "contrastive"), "set active.strategy: contrastive"),
    Need(
        "active.balanced",
        _if_active(lambda a: a.strategy not in ("core_set", "badge")),
        "core_set and badge choose sets of rows that differ from each other; take another active.strategy",
    ),
    Need("active.stability_rounds", _if_active(lambda a: a.stability is not None), "set active.stability"),
    Need("active.file", _if_active(lambda a: a.labeller == "file"), "set active.labeller: file"),
)


def _active(recipe: Recipe) -> Iterator[Complaint]:
    """The first labels are within the budget, and someone gives and scores them."""
    active = recipe.active
    if active is None:
        return
    if active.seed_size > active.budget:
        yield "active.seed_size", f"is {active.seed_size}, more than the {active.budget} labels of active.budget."
    if active.seed_set == "stratified" and not active.is_simulated:
        yield "active.seed_set", "stratified needs the labels that are yet to be given: write clusters."
    if active.is_simulated and recipe.data.validation_size == 0 and recipe.data.validation is None:
        yield "data.validation_size", "is 0, and a simulation scores the model of each round: take it out."
    if not (active.is_simulated or active.labeller in PEOPLE or ":" in active.labeller):
        hint = did_you_mean(active.labeller, (SIMULATED, *PEOPLE))
        known = ", ".join((SIMULATED, *PEOPLE))
        yield "active.labeller", f"must be {known} or package.module:function, found {active.labeller}.{hint}"


CHECKS: Final[tuple[Check, ...]] = (_active,)
