"""Pruning: training on a share of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.data.difficulty import histogram, refuse_equal
from hf_efficient.data.keep import kept_rows
from hf_efficient.data.randomness import data_seed
from hf_efficient.data.split import strata_of
from hf_efficient.errors import PlanError
from hf_efficient.measure import filling
from hf_efficient.models.processes import on_main_process
from hf_efficient.techniques.difficulty import check_rows, first_epoch, scorer, scoring_facts

if TYPE_CHECKING:
    from hf_efficient.data.batches import Indices
    from hf_efficient.models.scored_rows import Scored
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.prune import Prune


def apply(plan: Plan, section: Prune) -> Plan:
    """The plan that trains on the rows that are kept, in their order; rows without labels all stay.

    It is applied before all else: rows are scored by the model as it was loaded, and measured once they are fewer.

    Raises:
        RecipeError: there is no such reference.
        PlanError: the rows can't be scored, all alike, or have no classes to be kept alike.
        DataError: no row would be left.
    """
    check_rows(plan, section, "prune")
    with filling():
        scored = on_main_process(scorer(plan, section, "prune")) if section.which != "random" else None
    num_labelled = plan.num_train_rows - plan.num_unlabelled
    if scored is not None:
        refuse_equal(scored.scores[:num_labelled], section.by, "prune")
    kept = kept_rows(
        num_labelled,
        section.keep,
        None if scored is None else scored.scores[:num_labelled],
        strata=_classes(plan) if section.stratify else None,
        hardest=section.which == "hardest",
        seed=data_seed(plan.args),
    )
    plan = plan.with_facts("prune", _facts(section, scored, num_labelled, len(kept)))
    note = f"prune: {len(kept):,} of {num_labelled:,} training rows are kept, {_words(section)}{_cost(section, scored)}"
    return _with_rows(plan, np.append(kept, np.arange(num_labelled, plan.num_train_rows))).with_note(note)


def _words(section: Prune) -> str:
    return "at random" if section.which == "random" else f"the {section.which} by {section.by}"


def _cost(section: Prune, scored: Scored | None) -> str:
    if scored is None or not section.asks_model:
        return ""
    return f"; its scores {'were found, and had taken' if scored.found else 'took'} {scored.cpu_seconds:.1f} s of CPU"


def _facts(section: Prune, scored: Scored | None, num_rows: int, num_kept: int) -> dict[str, Any]:
    return {
        **section.model_dump(mode="json", exclude_none=True),
        "rows": num_rows,
        "kept_rows": num_kept,
        "scores": None if scored is None else histogram(scored.scores[:num_rows]),
        **scoring_facts(scored),
    }


def _classes(plan: Plan) -> Indices:
    """The class of each labelled row of the first epoch; of several the rarest one."""
    problem = None if plan.task is None else plan.task.facts()["problem"]
    if problem not in ("single_label", "multi_label"):
        raise PlanError("prune.stratify keeps a share of each class, and these rows have none; take it out.")
    labels = np.asarray(first_epoch(plan)["labels"][: plan.num_train_rows - plan.num_unlabelled])
    return labels if problem == "single_label" else strata_of([np.flatnonzero(row).tolist() for row in labels])


def _with_rows(plan: Plan, kept: Indices) -> Plan:
    """The plan with some of the rows of each epoch."""
    places = _in_epochs(kept, plan.num_train_rows, len(plan.train_dataset))
    if not hasattr(plan.train_dataset, "select"):
        rows = [plan.train_dataset[int(place)] for place in places]
        return replace(plan, train_dataset=rows)
    table = plan.train_table
    if table is not None:  # it has no rows without labels
        labelled = plan.num_train_rows - plan.num_unlabelled
        table = table.select(_in_epochs(kept[kept < labelled], labelled, len(table)))
    return replace(
        plan,
        train_dataset=plan.train_dataset.select(places),
        train_table=table,
        rows_per_epoch=None if plan.rows_per_epoch is None else len(kept),
        encode_train=None if plan.encode_train is None else _selecting(plan.encode_train, places),
    )


def _in_epochs(kept: Indices, rows_per_epoch: int, num_rows: int) -> Indices:
    return np.concatenate([kept + start for start in range(0, num_rows, rows_per_epoch)])


def _selecting(encode: Callable[[Any, Any], Any], places: Indices) -> Callable[[Any, Any], Any]:
    return lambda tokenizer, config: encode(tokenizer, config).select(places)
