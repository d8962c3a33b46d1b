"""Augmentation: views of the training rows, drawn from (seed, epoch, row, copy)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import PlanError
from hf_efficient.measure import filling
from hf_efficient.recipe.augment_texts import BY_MODELS
from hf_efficient.techniques.augment import label_keep
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.consistency import unlabelled_views, with_consistency
from hf_efficient.techniques.augment.draws import Numbers
from hf_efficient.techniques.augment.how_many import require_classes, rows_of_copies
from hf_efficient.techniques.augment.kept import Kept
from hf_efficient.techniques.augment.label_keep import keeper_of
from hf_efficient.techniques.augment.rows import Made, facts_of, in_one_piece, make_views, with_labels_kept
from hf_efficient.techniques.augment.texts import OfStrings

if TYPE_CHECKING:
    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment import Augment
    from hf_efficient.techniques.augment.texts import Augmenter

NAME: Final = "augment"


def check(section: Augment, place: Callable[[str], str]) -> None:
    """Refuse, before a row is read, augmenters that lack something on this machine.

    Raises:
        AssetError, PlanError: as `make_augmenters`.
    """
    if section.control:
        return
    with filling():
        make_augmenters(section.text_augmenters, place)
    if section.keep_label is not None:
        label_keep.check(section.keep_label, place)


def prepare(rows: TrainRows, section: Augment) -> TrainRows:
    """The rows with views of their texts: of one epoch, or of all of them one after another.

    Rows stand in the order of the table, those themselves first, then the first copy of each, and so on.
    """
    if not section.text_augmenters:
        return rows
    with filling():
        return _with_views(in_one_piece(rows), section)


def apply(plan: Plan, section: Augment) -> Plan:
    """The plan with views of its images; texts have been augmented before they were encoded.

    Raises:
        PlanError: they have not, for the trainer was given encoded rows.
    """
    if section.image_augmenters:
        return _with_images(plan, section)
    if NAME not in plan.facts:
        raise PlanError("Augment makes views of texts, and the training rows are encoded already; use finetune.")
    return plan


def _with_images(plan: Plan, section: Augment) -> Plan:
    from hf_efficient.data.images import require_pillow

    require_pillow()
    from hf_efficient.techniques.augment.images import with_views

    plan, facts = with_views(plan, section)
    views, rows = facts["views"], facts["views"] + facts["originals"]
    how = "unchanged, as a control" if section.control else f"drawn {'anew' if facts['fresh'] else 'once'}"
    of_epochs = "in each epoch" if facts["fresh"] or section.control else "for all epochs"
    note = f"augment: {views:,} of the {rows:,} training rows are views of images, {how} {of_epochs}"
    return plan.with_facts(NAME, facts).with_note(note)


def finish(plan: Plan, section: Augment) -> Plan:
    """The plan with what is learnt from unlabelled rows, once all techniques are applied, for it asks their model."""
    return plan if section.consistency is None else with_consistency(plan, section.consistency)


def _with_views(rows: TrainRows, section: Augment) -> TrainRows:
    from datasets import concatenate_datasets

    copies = rows_of_copies(rows, section)
    if section.consistency is not None:
        require_classes(rows.task, rows.place("augment.consistency"))
    originals = [rows.table] if section.originals else []
    num_rows = sum(map(len, (*originals, *copies))) + len(rows.unlabelled or ())
    num_epochs = rows.epochs_of(num_rows) if section.views == "fresh" else 1
    augmenters = {} if section.control else _augmenters(rows, section)
    epochs = list(_epochs(rows, section, augmenters, copies, num_epochs))
    table = concatenate_datasets([part for made in epochs for part in (*originals, *(views.table for views in made))])
    facts = facts_of(views for made in epochs for views in made) | {"epochs": num_epochs, **_found(augmenters)}
    augmented = replace(rows, table=table, rows_per_epoch=len(table) // num_epochs if num_epochs > 1 else None)
    if section.consistency is not None and rows.unlabelled is not None:
        augmented = replace(augmented, unlabelled_views=unlabelled_views(rows, augmenters, num_epochs))
    return augmented.with_facts(NAME, facts).with_note(_note(facts, rows, section))


def _found(augmenters: Mapping[str, Augmenter]) -> dict[str, Any]:
    """What earlier runs have spent on views by models, which cost this one nothing."""
    strings = [augmenter.augmenter for augmenter in augmenters.values() if isinstance(augmenter, OfStrings)]
    costs = [kept.found for kept in strings if isinstance(kept, Kept)]
    seconds = list(chain.from_iterable(costs))
    known = [cost for cost in seconds if cost is not None]
    total = sum(known) if len(known) == len(seconds) else None
    return {"found": len(seconds), "found_cpu_seconds": total} if costs else {}


def _augmenters(rows: TrainRows, section: Augment) -> dict[str, Augmenter]:
    return make_augmenters(section.text_augmenters, rows.place, rows.device, makes_views=rows.makes_views)


def _epochs(
    rows: TrainRows,
    section: Augment,
    augmenters: Mapping[str, Augmenter],
    copies: list[Numbers],
    num_epochs: int,
) -> Iterator[list[Made]]:
    """The views of each epoch, copy by copy."""
    keeper = keeper_of(section, rows)
    for epoch in range(num_epochs):
        if section.control:
            yield [Made.unchanged(rows.table.select(chosen)) for chosen in copies]
        else:
            views = (make_views(rows, chosen, augmenters, epoch, copy) for copy, chosen in enumerate(copies))
            yield [
                with_labels_kept(made, rows.table.select(chosen), keeper)
                for made, chosen in zip(views, copies, strict=True)
            ]


def _note(facts: dict[str, Any], rows: TrainRows, section: Augment) -> str:
    views, epochs, num_rows = facts["views"], facts["epochs"], len(rows.table)
    each = f" for each of {epochs} epochs" if epochs > 1 else ""
    if section.control:
        return f"augment: {views // epochs:,} of the {num_rows:,} training rows again{each}, unchanged, as a control"
    share = facts["unchanged"] / views if views else 0.0
    made = (
        f"augment: {views // epochs:,} views of {num_rows:,} training rows{each}; {share:.1%} of them equal their row"
    )
    if facts["too_long"]:
        made = f"{made}, {facts['too_long']:,} of all since a text is too long for the model"
    if not rows.makes_views and not section.text_augmenters.keys().isdisjoint(BY_MODELS):
        return f"{made}; those by models that are not there yet are not made to explain a run"
    if facts.get("found"):
        seconds = facts["found_cpu_seconds"]
        spent = "" if seconds is None else f", where making them had cost {seconds:,.1f} CPU seconds"
        made = f"{made}; {facts['found']:,} were found on disk{spent}"
    if section.keep_label is None:
        return made
    if not rows.makes_views:
        return f"{made}; augment.keep_label is not asked to explain a run"
    return f"{made}, and {facts['dropped']:,} of all were taken for another class and are their row instead"
