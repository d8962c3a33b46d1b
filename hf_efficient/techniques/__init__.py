"""What the product can do beyond plain fine-tuning: one ordered table of `apply(plan, section) -> plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hf_efficient.errors import PlanError
from hf_efficient.recipe.augment import Augment
from hf_efficient.recipe.batching import Batching
from hf_efficient.recipe.curriculum import Curriculum
from hf_efficient.recipe.distill import Distill
from hf_efficient.recipe.early_stopping import EarlyStopping
from hf_efficient.recipe.freeze import Freeze
from hf_efficient.recipe.peft import Peft
from hf_efficient.recipe.prune import Prune
from hf_efficient.recipe.section import Section
from hf_efficient.techniques import augment, batching, curriculum, distill, early_stopping, freeze, peft, prune

if TYPE_CHECKING:
    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.plan import Plan
    from hf_efficient.recipe import Recipe

PREPARING: dict[type[Section], Callable[[Any, Any], Any]] = {Augment: augment.prepare}
"""Section of the recipe → what it does to the training rows before they are encoded."""

CHECKING: dict[type[Section], Callable[[Any, Callable[[str], str]], None]] = {Augment: augment.check}
"""Section of the recipe → what refuses, before a row is read, what it lacks on this machine."""

TECHNIQUES: dict[type[Section], Callable[[Any, Any], Any]] = {
    Prune: prune.apply,
    Augment: augment.apply,
    Curriculum: curriculum.apply,
    Freeze: freeze.apply,
    Peft: peft.apply,
    Distill: distill.apply,
    Batching: batching.apply,
    EarlyStopping: early_stopping.apply,
}
"""Section of the recipe → technique, in the order in which they are applied (see docs/design.md §2)."""


FINISHING: dict[type[Section], Callable[[Any, Any], Any]] = {
    Curriculum: curriculum.finish,
    Freeze: freeze.finish,
    Augment: augment.finish,
}
"""Section of the recipe → what it does to the plan once all techniques are applied, for it must see their model."""


def techniques_of(recipe: Recipe) -> list[Section]:
    """The sections of a recipe that are techniques."""
    return [section for _, section in recipe if type(section) in TECHNIQUES]


def check_techniques(sections: Iterable[Section], place: Callable[[str], str]) -> None:
    """Refuse, before a row is read, techniques that lack something on this machine.

    Raises:
        AssetError, PlanError: what is missing, and how to get it.
    """
    for section in sections:
        if type(section) in CHECKING:
            CHECKING[type(section)](section, place)


def prepare_rows(rows: TrainRows, sections: Iterable[Section]) -> TrainRows:
    """The training rows as the techniques leave them before they are encoded, in the order of `PREPARING`."""
    given = {type(section): section for section in sections}
    for section_type, prepare in PREPARING.items():
        if section_type in given:
            rows = prepare(rows, given[section_type])
    return rows


def apply_techniques(plan: Plan, sections: Iterable[Section | None]) -> Plan:
    """The plan with each technique applied whose section is given, in the order of `TECHNIQUES`.

    Raises:
        PlanError: a section that is no technique, or given twice, or techniques that contradict each other.
    """
    given: dict[type[Section], Section] = {}
    for section in sections:
        if section is None:
            continue
        if type(section) not in TECHNIQUES:
            known = ", ".join(cls.__name__ for cls in TECHNIQUES)
            raise PlanError(f"{type(section).__name__} is not a technique; there are {known}.")
        if type(section) in given:
            raise PlanError(f"{type(section).__name__} is given twice; give it once.")
        given[type(section)] = section
    for section_type, apply in TECHNIQUES.items():
        if section_type in given:
            plan = apply(plan, given[section_type])
    for section_type, finish in FINISHING.items():
        if section_type in given:
            plan = finish(plan, given[section_type])
    return plan
