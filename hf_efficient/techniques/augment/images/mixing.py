"""MixUp and CutMix of one image with another, drawn for the row and not for its batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image

from hf_efficient.losses.rows import PARTNER_LABELS, PARTNER_WEIGHT
from hf_efficient.recipe.augment_images import CutMix, MixUp
from hf_efficient.techniques.augment.images import operations
from hf_efficient.techniques.augment.images.transforms import draw_box, happens

ADDED: Final = ("sample_weight", PARTNER_LABELS, PARTNER_WEIGHT)
"""Columns by which a mixed row has two labels, each with its weight."""


@dataclass(frozen=True)
class Mixed:
    """An image, and the share of it that is not its partner's."""

    image: Image.Image
    share: float


@dataclass(frozen=True)
class Mixing:
    """The ways of mixing that are on; of two, one is drawn."""

    ways: tuple[MixUp | CutMix, ...]

    def __call__(self, image: Image.Image, partner: Callable[[], Image.Image], generator: Generator) -> Mixed:
        """The image mixed with what `partner()` gives, or as it is."""
        way = self.ways[generator.integers(len(self.ways))]
        if not happens(way.probability, generator):
            return Mixed(image, 1.0)
        share = float(generator.beta(way.alpha, way.alpha))
        other = partner().convert(image.mode).resize(image.size, Image.Resampling.BILINEAR)
        if isinstance(way, MixUp):
            return Mixed(Image.blend(other, image, share), share)
        return _cut_mix(image, other, share, generator)


def _cut_mix(image: Image.Image, other: Image.Image, share: float, generator: Generator) -> Mixed:
    box = draw_box(image.size, 1 - share, 1.0, generator, of_image=True)
    area = (box[2] - box[0]) * (box[3] - box[1])
    mixed = operations.paste(image, other.crop(box), box[:2])
    return Mixed(mixed, 1 - area / (image.width * image.height))


@dataclass(frozen=True)
class MixingCollator:
    """A collator whose batches have both labels of mixed rows, whatever it knows itself."""

    collator: Callable[[Any], Any]

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        """A batch."""
        if PARTNER_LABELS not in features[0]:  # rows that are scored
            return self.collator(features)
        batch = self.collator([{name: row[name] for name in row if name not in ADDED} for row in features])
        for name in ADDED:
            dtype = batch["labels"].dtype if name == PARTNER_LABELS else torch.float
            batch[name] = torch.as_tensor(np.asarray([row[name] for row in features]), dtype=dtype)
        return batch
