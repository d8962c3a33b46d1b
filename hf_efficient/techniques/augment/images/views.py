"""Views of rows with an image, each a pure function of (seed, epoch, row, copy)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_efficient.data.drawn import ITSELF
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

    def __call__(self, number: int, copy: int, epoch: int) -> Row:
        """A view of a row; its labels' loss is in two parts where images are mixed."""
        row = self.rows[number]
        if copy == ITSELF:
            return row if self.mixing is None else self._in_parts(row, row, 1.0)
        generator = np.random.default_rng([self.seed, epoch, copy, number])
        image = self.transform(self.pictures.read(row), generator)
        if self.mixing is None:
            return self.pictures.put(row, image)
        # Any row may be the partner, not only one of the micro-batch: so a view is the same however a step is split.
        partner = self.rows[int(generator.integers(len(self.rows)))]
        mixed = self.mixing(image, lambda: self.transform(self.pictures.read(partner), generator), generator)
        return self._in_parts(self.pictures.put(row, mixed.image), partner, mixed.share)

    def _in_parts(self, row: Row, partner: Row, share: float) -> Row:
        weights = row.get("sample_weight", 1.0), partner.get("sample_weight", 1.0)
        labels = partner["labels" if "labels" in partner else "label"]
        parts = {"sample_weight": share * weights[0], PARTNER_LABELS: labels, PARTNER_WEIGHT: (1 - share) * weights[1]}
        return {**row, **parts}
