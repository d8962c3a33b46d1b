"""RandAugment and TrivialAugment: operations of one list, each at a strength from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from numpy.random import Generator
from PIL.Image import Image

from hf_efficient.techniques.augment.images import operations

Apply = Callable[[Image, float, int], Image]
"""`apply(image, magnitude, fill)`."""

STRONGEST: Final = 30
"""Number of the last strength that both policies know; 0 is nothing."""


@dataclass(frozen=True)
class Operation:
    """One of the list, and its magnitude at full strength."""

    apply: Apply
    most: float = 0.0
    """In RandAugment (Cubuk et al. 2020)."""
    most_wide: float = 0.0
    """In the wide list of TrivialAugment (Müller & Hutter 2021)."""
    is_signed: bool = False
    """Whether the magnitude may as well be negative."""


def _shear_x(image: Image, tangent: float, fill: int) -> Image:
    return operations.affine(image, shear=(tangent, 0.0), fill=fill)


def _shear_y(image: Image, tangent: float, fill: int) -> Image:
    return operations.affine(image, shear=(0.0, tangent), fill=fill)


def _translate_x(image: Image, share: float, fill: int) -> Image:
    return operations.affine(image, translate=(round(share * image.width), 0), fill=fill)


def _translate_y(image: Image, share: float, fill: int) -> Image:
    return operations.affine(image, translate=(0, round(share * image.height)), fill=fill)


def _rotate(image: Image, degrees: float, fill: int) -> Image:
    return operations.affine(image, degrees=degrees, fill=fill)


def _enhance(what: str, image: Image, change: float, fill: int) -> Image:
    return operations.enhance(image, what, 1 + change)


def _posterize(image: Image, bits: float, fill: int) -> Image:
    return operations.posterize(image, 8 - round(bits))


def _solarize(image: Image, share: float, fill: int) -> Image:
    return operations.solarize(image, round(256 * (1 - share)))


def _plainly(change: Callable[[Image], Image], image: Image, magnitude: float, fill: int) -> Image:
    return change(image)


def _identity(image: Image, magnitude: float, fill: int) -> Image:
    return image


OPERATIONS: Final = (
    Operation(_identity),
    Operation(_shear_x, 0.3, 0.99, is_signed=True),
    Operation(_shear_y, 0.3, 0.99, is_signed=True),
    # 150 pixels of 331 in the first paper, 32 of 224 in the second.
    Operation(_translate_x, 150 / 331, 32 / 224, is_signed=True),
    Operation(_translate_y, 150 / 331, 32 / 224, is_signed=True),
    Operation(_rotate, 30.0, 135.0, is_signed=True),
    Operation(partial(_enhance, "brightness"), 0.9, 0.99, is_signed=True),
    Operation(partial(_enhance, "saturation"), 0.9, 0.99, is_signed=True),
    Operation(partial(_enhance, "contrast"), 0.9, 0.99, is_signed=True),
    Operation(partial(_enhance, "sharpness"), 0.9, 0.99, is_signed=True),
    Operation(_posterize, 4.0, 6.0),
    Operation(_solarize, 1.0, 1.0),
    Operation(partial(_plainly, operations.autocontrast)),
    Operation(partial(_plainly, operations.equalize)),
)
"""What both papers choose from, each with the same probability."""


def apply_drawn(image: Image, strength: float, generator: Generator, *, wide: bool, fill: int) -> Image:
    """The image after one operation of the list, in a direction that is drawn as well."""
    chosen, sign = OPERATIONS[generator.integers(len(OPERATIONS))], 1 if generator.integers(2) else -1
    magnitude = strength * (chosen.most_wide if wide else chosen.most)
    return chosen.apply(image, sign * magnitude if chosen.is_signed else magnitude, fill)
