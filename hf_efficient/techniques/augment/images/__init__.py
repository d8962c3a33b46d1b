"""Augmentation of images: views that are drawn when a batch asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers import default_data_collator

from hf_efficient.data.drawn import ITSELF, DrawnRows
from hf_efficient.errors import PlanError
from hf_efficient.losses import HeadLoss, Supervised, known_head
from hf_efficient.models.adapters import base_model
from hf_efficient.recipe.augment_images import CutMix, MixUp
from hf_efficient.techniques.augment.images.layout import layout_of
from hf_efficient.techniques.augment.images.mixing import ADDED, Mixing, MixingCollator
from hf_efficient.techniques.augment.images.pictures import files_of, pictures_of
from hf_efficient.techniques.augment.images.transforms import Transform
from hf_efficient.techniques.augment.images.views import ImageViews

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment import Augment


def with_views(plan: Plan, section: Augment) -> tuple[Plan, dict[str, Any]]:
    """The plan whose training rows are views of its images, and what the report says of them.

    Raises:
        PlanError: the rows have no images, or can't be asked for one by one, or labels can't be mixed.
    """
    rows = plan.train_dataset
    if not hasattr(rows, "__getitem__") or not hasattr(rows, "__len__"):
        raise PlanError("augment asks for images by their number, which this data set has not; take it out.")
    draw = views_of(plan, section)
    numbers, copies = layout_of(plan, section)
    names = getattr(rows, "column_names", None) or rows[0].keys()
    drawn = DrawnRows(
        rows,
        numbers,
        np.full_like(copies, ITSELF) if section.control else copies,
        draw,
        tuple(dict.fromkeys((*names, *(ADDED if draw.mixing else ())))),
        is_fixed=section.control or section.views == "fixed",
    )
    num_labelled = len(rows) - plan.num_unlabelled
    views = {
        "views": int((copies != ITSELF).sum()),
        "originals": int((copies == ITSELF).sum()),
        "fresh": not drawn.is_fixed,
    }
    table = plan.train_table
    plan = replace(
        plan,
        train_dataset=drawn,
        train_table=None if table is None else table.select(numbers[numbers < num_labelled]),
        rows_per_epoch=drawn.rows_per_epoch,
        num_unlabelled=int((numbers >= num_labelled).sum()),
        data_collator=_mixing(plan.data_collator) if draw.mixing else plan.data_collator,
    )
    return plan, views


def _mixing(collator: Any) -> MixingCollator:
    return MixingCollator(default_data_collator if collator is None else collator)


def views_of(plan: Plan, section: Augment) -> ImageViews:
    """What makes the views of the plan's training rows."""
    changes = list(section.image_augmenters.values())
    ways = tuple(change for change in changes if isinstance(change, (MixUp, CutMix)))
    if ways:
        _check_labels(plan)
    processor, rows = plan.processing_class, plan.train_dataset
    return ImageViews(
        rows,
        files_of(processor) if plan.task is not None else pictures_of(rows[0], processor),
        Transform.of(changes),
        Mixing(ways) if ways and not section.control else None,
        plan.args.seed if plan.args.data_seed is None else plan.args.data_seed,
    )


def _check_labels(plan: Plan) -> None:
    """Refuse to mix images whose labels nobody would mix."""
    if plan.losses is None and plan.model is not None:
        labels = known_head(base_model(plan.model))
    else:
        labels = plan.losses[0] if plan.losses else None
    if not isinstance(labels, (Supervised, HeadLoss)):
        raise PlanError(
            "augment.mixup and augment.cutmix mix labels, which the model's own loss, or that in losses=, does not; "
            "take them out."
        )
