"""Curriculum: which rows come when."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hf_efficient.data.fed import NumberingCollator, numbered
from hf_efficient.data.order import CurriculumOrder
from hf_efficient.data.pace import GROWING, IN_BUCKETS, STAGES, START, Pace
from hf_efficient.data.randomness import data_seed
from hf_efficient.errors import PlanError
from hf_efficient.techniques.curriculum.facts import facts_of
from hf_efficient.techniques.curriculum.follow import Follow
from hf_efficient.techniques.difficulty import check_rows, labels_of, scorer

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.curriculum import Curriculum

__all__ = ["apply", "finish", "pace_of"]


def apply(plan: Plan, section: Curriculum) -> Plan:
    """The plan whose rows come in the curriculum's order.

    It is applied before the techniques that change the model, which scores the rows as it was loaded.

    Raises:
        RecipeError: there is no such reference.
        PlanError: the rows can't be ranked, or something else has set their order.
    """
    check_rows(plan, section, "curriculum")
    num_rows, num_epochs, seed = plan.num_train_rows, plan.args.num_train_epochs, data_seed(plan.args)
    order = CurriculumOrder(num_rows, pace_of(section), num_epochs=num_epochs, seed=seed, mix=section.mix)
    score = labels = None
    if section.order != "random":
        if section.watches_training:
            labels = labels_of(plan, section.by, "curriculum")
        else:
            score = scorer(plan, section, "curriculum")
    follow = Follow(order, section, score, labels)
    plan = plan.with_order(order, by="curriculum").with_callback(follow)
    plan = replace(
        plan,
        train_dataset=numbered(plan.train_dataset, num_rows),
        data_collator=None if plan.data_collator is None else NumberingCollator(plan.data_collator),
    )
    return plan.with_facts("curriculum", partial(facts_of, plan, follow)).with_note(_note(section))


def finish(plan: Plan, section: Curriculum) -> Plan:
    """The plan whose curriculum knows how rows are grouped.

    Raises:
        PlanError: they are grouped in a way that leaves no order.
    """
    if plan.batches is not None and plan.batches.max_tokens is not None:
        raise PlanError(
            "curriculum can't take effect: batching.padding: tokens sorts all rows of an epoch by length; "
            "set batching.padding: bucketed."
        )
    follow = next(callback for callback in plan.callbacks if isinstance(callback, Follow))
    follow.batches = plan.batches
    return plan


def pace_of(section: Curriculum) -> Pace:
    """The section's pace with its settings."""
    if section.pace in IN_BUCKETS:
        return Pace(partial(IN_BUCKETS[section.pace], stages=section.stages or STAGES), section.end)
    settings: dict[str, Any] = {"start": START if section.start is None else section.start}
    if section.root is not None:
        settings["root"] = section.root
    if section.pace == "step":
        settings["stages"] = section.stages or STAGES
    grow = partial(GROWING[section.pace], **settings)
    return Pace(lambda progress: (0.0, grow(progress)), section.end)


def _note(section: Curriculum) -> str:
    if section.order == "random":
        return "curriculum: rows are ranked at random, and nothing is scored: the control of a curriculum"
    told = ", as the training itself tells" if section.watches_training else ""
    first = {"easy_first": "easy", "hard_first": "hard"}[section.order]
    share = pace_of(section).at(0.0)[1]
    return (
        f"curriculum: {first} rows first, by {section.by}{told}: {share:.0%} of them at first, all after "
        f"{section.end:.0%} of the training"
    )
