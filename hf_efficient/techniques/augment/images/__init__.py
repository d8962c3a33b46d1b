"""Augmentation of images: views that are drawn when a batch asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers import default_data_collator

from hf_efficient.data.drawn import ITSELF, DrawnRows
from hf_efficient.data.randomness import data_seed
from hf_efficient.errors import PlanError
from hf_efficient.losses import HeadLoss, Supervised, known_head
from hf_efficient.models.adapters import base_model
from hf_efficient.recipe.augment_images import ColorJitter, CutMix, MixUp
from hf_efficient.techniques.augment.images.layout import layout_of
from hf_efficient.techniques.augment.images.mixing import ADDED, Mixing, MixingCollator
from hf_efficient.techniques.augment.images.pictures import Files, Pictures, files_of, pictures_of
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
    if section.mixup is not None or section.cutmix is not None:
        _check_labels(plan)
    seed = data_seed(plan.args)
    numbers, copies = layout_of(plan, section, seed)
    draw = views_of(rows, _pictures(plan), section, seed, plan.num_unlabelled)
    names = getattr(rows, "column_names", None) or rows[0].keys()
    drawn = DrawnRows(
        rows,
        numbers,
        np.full_like(copies, ITSELF) if section.control else copies,
        draw,
        tuple(dict.fromkeys((*names, *(ADDED if draw.mixing else ())))),
        is_fixed=section.control or section.views == "fixed",
    )
    originals = int((copies == ITSELF).sum())
    facts = {"views": len(copies) - originals, "originals": originals, "fresh": not drawn.is_fixed}
    plan = _with_rows(plan, drawn)
    return (plan if draw.mixing is None else replace(plan, data_collator=_mixing(plan.data_collator))), facts


def _pictures(plan: Plan) -> Pictures:
    if plan.task is not None:
        return files_of(plan.processing_class)
    return pictures_of(plan.train_dataset[0], plan.processing_class)


def _with_rows(plan: Plan, drawn: DrawnRows) -> Plan:
    labelled = drawn.numbers[drawn.numbers < len(plan.train_dataset) - plan.num_unlabelled]
    return replace(
        plan,
        train_dataset=drawn,
        train_table=None if plan.train_table is None else plan.train_table.select(labelled),
        rows_per_epoch=drawn.rows_per_epoch,
        num_unlabelled=drawn.rows_per_epoch - len(labelled),
    )


def _mixing(collator: Any) -> MixingCollator:
    return MixingCollator(default_data_collator if collator is None else collator)


def views_of(rows: Any, pictures: Pictures, section: Augment, seed: int, num_unlabelled: int = 0) -> ImageViews:
    """What makes views of rows, those without labels last.

    Raises:
        PlanError: grey images are to change their colours.
    """
    changes = list(section.image_augmenters.values())
    jitter = section.color_jitter
    if jitter is not None and isinstance(pictures, Files) and pictures.mode == "L":
        _check_colours(jitter)
    mixing = Mixing(tuple(change for change in changes if isinstance(change, (MixUp, CutMix))))
    mixes = mixing.ways and not section.control
    return ImageViews(rows, pictures, Transform.of(changes), mixing if mixes else None, seed, num_unlabelled)


def _check_colours(jitter: ColorJitter) -> None:
    for name in ("saturation", "hue"):
        if name in jitter.model_fields_set and getattr(jitter, name):
            raise PlanError(
                f"augment.color_jitter.{name} can't take effect: the model's image processor makes images grey; take "
                "it out."
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
