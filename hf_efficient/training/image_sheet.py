"""A picture of training images beside their views, without a model and without training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hf_efficient.data.drawn import ITSELF
from hf_efficient.data.images import require_pillow
from hf_efficient.losses import PARTNER_LABELS
from hf_efficient.losses.rows import PARTNER_WEIGHT
from hf_efficient.models import load_processing_class
from hf_efficient.training.augmented import read_rows

if TYPE_CHECKING:
    from PIL.Image import Image

    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.augment import Augment

_NUM_VIEWS: Final = 6
"""Of each image at most: those of several epochs where they are drawn anew."""


def sheet_of_views(recipe: Recipe, num_rows: int) -> Image:
    """Some training images, spread over the table, each beside views of it.

    Raises:
        HfEfficientError: whatever would stop the run before it draws a view.
    """
    require_pillow()
    from hf_efficient.techniques.augment.images import views_of
    from hf_efficient.techniques.augment.images.pictures import files_of
    from hf_efficient.techniques.augment.images.sheet import Captioned, contact_sheet

    section, train = read_rows(recipe)
    task = train.task
    processor: Any = load_processing_class(
        recipe.model, task.auto_model, recipe.place, image_size=recipe.data.image_size
    )
    rows, pictures = task.encode(train.table, processor, split="train").dataset, files_of(processor)
    draw = views_of(rows, pictures, section, train.seed)
    spread = np.linspace(0, len(rows) - 1, min(num_rows, len(rows))).round().astype(int).tolist()
    shown = [[rows[number], *(draw(number, *which) for which in _which(section))] for number in spread]
    return contact_sheet([[Captioned(pictures.read(row), _caption(task, row)) for row in line] for line in shown])


def _which(section: Augment) -> Iterator[tuple[int, int]]:
    """Copies and epochs of the views that are shown."""
    epochs = range(1 if section.views == "fixed" or section.control else _NUM_VIEWS)
    copies = [ITSELF] * section.copies if section.control else range(section.copies)
    return islice(((copy, epoch) for epoch, copy in product(epochs, copies)), _NUM_VIEWS)


def _caption(task: Any, row: Mapping[str, Any]) -> str:
    own = _name(task, row["labels"])
    share = row.get(PARTNER_WEIGHT, 0.0)
    if share < 0.005 or row[PARTNER_LABELS] == row["labels"]:
        return own
    return f"{1 - share:.2f} {own}, {share:.2f} {_name(task, row[PARTNER_LABELS])}"


def _name(task: Any, labels: Any) -> str:
    """The classes of a row, or its number."""
    if task.problem == "multi_label":
        return ", ".join(name for name, there in zip(task.classes, labels, strict=True) if there)
    return str(task.classes[labels]) if task.classes else f"{labels:g}"
