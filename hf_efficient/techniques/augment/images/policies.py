"""RandAugment and TrivialAugment: operations of one list, each at a strength from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL.Image import Image

from hf_efficient.techniques.augment.images import operations

NUM_STRENGTHS: Final = 31
"""Strengths between which both policies choose, from nothing to the most."""


@dataclass(frozen=True)
class Operation:
    """One of the list, and what its magnitude is at full strength."""

    apply: Callable[[Image, float, int], Image]
    """`apply(image, magnitude, fill)`."""
    most: float = 1.0
    """Of RandAugment (Cubuk et al. 2020)."""
    most_wide: float = 1.0
    """Of TrivialAugment's wide list (Müller & Hutter 2021)."""
    is_signed: bool = False
    """Whether the magnitude may as well be negative."""

    def magnitude(self, strength: float, sign: int, *, wide: bool) -> float:
        """What to apply."""
        return strength * (self.most_wide if wide else self.most) * (sign if self.is_signed else 1)


def _translate_x(image: Image, share: float, fill: int) -> Image:
    return operations.affine(image, translate=(round(share * image.width), 0), fill=fill)


def _translate_y(image: Image, share: float, fill: int) -> Image:
    return operations.affine(image, translate=(0, round(share * image.height)), fill=fill)


def _enhance(what: str) -> Callable[[Image, float, int], Image]:
    return lambda image, change, fill: operations.enhance(image, what, 1 + change)


OPERATIONS: Final = (
    Operation(lambda image, magnitude, fill: image),
    Operation(lambda image, tangent, fill: operations.affine(image, shear=(tangent, 0), fill=fill), 0.3, 0.99, is_signed=True),
    Operation(lambda image, tangent, fill: operations.affine(image, shear=(0, tangent), fill=fill), 0.3, 0.99, is_signed=True),
    # Of 331 pixels in the first paper, of 224 in the second.
    Operation(_translate_x, 150 / 331, 32 / 224, is_signed=True),
    Operation(_translate_y, 150 / 331, 32 / 224, is_signed=True),
    Operation(lambda image, degrees, fill: operations.affine(image, degrees=degrees, fill=fill), 30, 135, is_signed=True),
    *(
        Operation(_enhance(what), 0.9, 0.99, is_signed=True)
        for what in ("brightness", "saturation", "contrast", "sharpness")
    ),
    Operation(lambda image, bits, fill: operations.posterize(image, 8 - round(bits)), 4, 6),
    Operation(lambda image, share, fill: operations.solarize(image, 256 * (1 - share))),
    Operation(lambda image, magnitude, fill: operations.autocontrast(image)),
    Operation(lambda image, magnitude, fill: operations.equalize(image)),
)
"""What both papers choose from, with the same probability for each."""


def apply_drawn(image: Image, strength: float, generator: np.random.Generator, *, wide: bool, fill: int) -> Image:
    """The image after one operation of the list, in a direction that is drawn like it."""
    chosen, sign = OPERATIONS[generator.integers(len(OPERATIONS))], 1 if generator.integers(2) else -1
    return chosen.apply(image, chosen.magnitude(strength, sign, wide=wide), fill)
