"""Augmentation of images: views drawn when a batch asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hf_efficient.data.drawn import ITSELF, DrawnRows, layout
from hf_efficient.data.images import image_mode
from hf_efficient.losses.rows import OF_PARTNER
from hf_efficient.recipe.augment_images import CutMix, MixUp
from hf_efficient.techniques.augment.images.mixing import Mixing
from hf_efficient.techniques.augment.images.pictures import Files
from hf_efficient.techniques.augment.images.transforms import Transform
from hf_efficient.techniques.augment.images.views import ImageViews

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.augment import Augment


def with_views(plan: Plan, section: Augment) -> Plan:
    """The plan whose training rows are views of its images."""
    rows = plan.train_dataset
    numbers, copies = layout(len(rows), plan.num_unlabelled, section.copies, originals=section.originals)
    draw = views_of(plan, section)
    drawn = DrawnRows(
        rows,
        numbers,
        copies.clip(max=ITSELF) if section.control else copies,
        draw,
        tuple(dict.fromkeys((*rows.column_names, *(("sample_weight", *OF_PARTNER) if draw.mixing else ())))),
        is_fixed=section.control or section.views == "fixed",
    )
    num_unlabelled = plan.num_unlabelled * len(numbers) // len(rows)
    return replace(plan, train_dataset=drawn, rows_per_epoch=drawn.rows_per_epoch, num_unlabelled=num_unlabelled)


def views_of(plan: Plan, section: Augment) -> ImageViews:
    """What makes the views of the plan's training rows."""
    changes = list(section.image_augmenters.values())
    ways = tuple(change for change in changes if isinstance(change, (MixUp, CutMix)))
    return ImageViews(
        plan.train_dataset,
        Files(image_mode(plan.processing_class)),
        Transform.of(changes),
        Mixing(ways) if ways and not section.control else None,
        plan.args.seed if plan.args.data_seed is None else plan.args.data_seed,
    )
