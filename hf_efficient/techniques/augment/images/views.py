"""Views of rows with an image, each a pure function of (seed, epoch, row, copy)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_efficient.data.drawn import ITSELF
from hf_efficient.data.randomness import generator_for
from hf_efficient.losses.rows import PARTNER_LABELS, PARTNER_WEIGHT
from hf_efficient.techniques.augment.images.mixing import Mixing
from hf_efficient.techniques.augment.images.pictures import Pictures
from hf_efficient.techniques.augment.images.transforms import Transform

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ImageViews:
    """What makes the views of a data set's rows."""

    rows: Any
    pictures: Pictures
    transform: Transform
    mixing: Mixing | None
    seed: int
    num_unlabelled: int = 0
    """Rows without labels, which stand last."""

    def __call__(self, number: int, copy: int, epoch: int) -> Row:
        """A view of a row; its labels' loss is in two parts where images are mixed."""
        row = self.rows[number]
        if copy == ITSELF:
            return row if self.mixing is None else self._in_parts(row, row, 1.0)
        generator = generator_for(self.seed, epoch, copy, number)
        image = self.transform(self.pictures.read(row), generator)
        if self.mixing is None:
            return self.pictures.put(row, image)
        # Any row may be the partner, not only one of the micro-batch: so a view is the same however a step is split.
        partner = self.rows[self._partner(number, generator)]
        mixed = self.mixing(image, lambda: self.transform(self.pictures.read(partner), generator), generator)
        return self._in_parts(self.pictures.put(row, mixed.image), partner, mixed.share)

    def _partner(self, number: int, generator: np.random.Generator) -> int:
        """The number of a row to mix in, of those with labels or of those without: of their labels none is half."""
        num_labelled = len(self.rows) - self.num_unlabelled
        low, high = (0, num_labelled) if number < num_labelled else (num_labelled, len(self.rows))
        return int(generator.integers(low, high))

    def _in_parts(self, row: Row, partner: Row, share: float) -> Row:
        weights = row.get("sample_weight", 1.0), partner.get("sample_weight", 1.0)
        labels = partner["labels" if "labels" in partner else "label"]
        parts = {"sample_weight": share * weights[0], PARTNER_LABELS: labels, PARTNER_WEIGHT: (1 - share) * weights[1]}
        return {**row, **parts}
