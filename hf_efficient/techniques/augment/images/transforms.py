"""Changes of one image that are drawn: each section of a recipe as a function of an image and a generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

import numpy as np
from numpy.random import Generator
from PIL import Image

from hf_efficient.recipe import augment_images as words
from hf_efficient.techniques.augment.images import operations
from hf_efficient.techniques.augment.images.operations import Box
from hf_efficient.techniques.augment.images.policies import STRONGEST, apply_drawn


def happens(probability: float, generator: Generator) -> bool:
    """Whether something of this probability is done."""
    return bool(generator.random() < probability)


def draw_box(size: tuple[int, int], share: float, ratio: float, generator: Generator, *, of_image: bool = False) -> Box:
    """A rectangle within an image, of this share of its area and this ratio of width to height, or what fits of it.

    With `of_image` the ratio is times that of the image.
    """
    width, height = size
    ratio = ratio * width / height if of_image else ratio
    area = share * width * height
    wide = min(max(round(math.sqrt(area * ratio)), 1), width)
    high = min(max(round(math.sqrt(area / ratio)), 1), height)
    left, upper = generator.integers(width - wide + 1), generator.integers(height - high + 1)
    return int(left), int(upper), int(left) + wide, int(upper) + high


def _ratio(ends: tuple[float, float], generator: Generator) -> float:
    low, high = ends
    return math.exp(generator.uniform(math.log(low), math.log(high)))  # so that tall and wide are as likely


def _signed(most: float, generator: Generator) -> float:
    return generator.uniform(-most, most) if most else 0.0


def _crop(section: words.Crop, image: Image.Image, generator: Generator) -> Image.Image:
    share, ratio = generator.uniform(*section.scale), _ratio(section.ratio, generator)
    return operations.crop(image, draw_box(image.size, share, ratio, generator, of_image=True))


def _flip(section: words.Flip, image: Image.Image, generator: Generator) -> Image.Image:
    if section.direction == "either":
        return operations.flip(image, "horizontal" if generator.integers(2) else "vertical")
    return operations.flip(image, section.direction)


def _rotation(section: words.Rotation, image: Image.Image, generator: Generator) -> Image.Image:
    return operations.affine(image, degrees=_signed(section.degrees, generator), fill=section.fill)


def _affine(section: words.Affine, image: Image.Image, generator: Generator) -> Image.Image:
    return operations.affine(
        image,
        degrees=_signed(section.degrees, generator),
        translate=(
            _signed(section.translate * image.width, generator),
            _signed(section.translate * image.height, generator),
        ),
        scale=generator.uniform(*section.scale),
        shear=(math.tan(math.radians(_signed(section.shear, generator))), 0.0),
        fill=section.fill,
    )


def _perspective(section: words.Perspective, image: Image.Image, generator: Generator) -> Image.Image:
    width, height = image.size
    inwards = generator.uniform(0, section.distortion_scale / 2, (4, 2)) * (width, height)
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    whole = ((0, 0), (width, 0), (width, height), (0, height))
    corners = [
        (x + sign_x * dx, y + sign_y * dy)
        for (x, y), (sign_x, sign_y), (dx, dy) in zip(whole, signs, inwards, strict=True)
    ]
    return operations.perspective(image, corners, section.fill)


def _rand_augment(section: words.RandAugment, image: Image.Image, generator: Generator) -> Image.Image:
    for _ in range(section.num_ops):
        strength = section.magnitude / STRONGEST
        image = apply_drawn(image, strength, generator, wide=False, fill=section.fill)
    return image


def _trivial_augment(section: words.TrivialAugment, image: Image.Image, generator: Generator) -> Image.Image:
    strength = generator.integers(STRONGEST + 1) / STRONGEST
    return apply_drawn(image, strength, generator, wide=True, fill=section.fill)


def _color_jitter(section: words.ColorJitter, image: Image.Image, generator: Generator) -> Image.Image:
    changes: list[Callable[[Image.Image], Image.Image]] = [
        partial(operations.enhance, what=what, factor=1 + _signed(getattr(section, what), generator))
        for what in ("brightness", "contrast", "saturation")
        if getattr(section, what)
    ]
    if section.hue:
        changes.append(partial(operations.shift_hue, shift=_signed(section.hue, generator)))
    for number in generator.permutation(len(changes)):
        image = changes[number](image)
    return image


def _blur(section: words.Blur, image: Image.Image, generator: Generator) -> Image.Image:
    return operations.blur(image, generator.uniform(*section.sigma))


def _noise(section: words.Noise, image: Image.Image, generator: Generator) -> Image.Image:
    shape = np.asarray(image).shape
    return operations.add_noise(image, generator.standard_normal(shape, dtype=np.float32) * (255 * section.sigma))


def _erasing(section: words.Erasing, image: Image.Image, generator: Generator) -> Image.Image:
    box = draw_box(image.size, generator.uniform(*section.scale), _ratio(section.ratio, generator), generator)
    size = box[2] - box[0], box[3] - box[1]
    if isinstance(section.fill, int):
        patch = Image.new("L", size, section.fill).convert(image.mode)
    else:
        patch = Image.merge(image.mode, [_random_pixels(size, generator) for _ in image.getbands()])
    return operations.paste(image, patch, box[:2])


def _random_pixels(size: tuple[int, int], generator: Generator) -> Image.Image:
    return Image.fromarray(generator.integers(256, size=size[::-1], dtype=np.uint8))


_CHANGES: Final[dict[type[Any], Callable[[Any, Image.Image, Generator], Image.Image]]] = {
    words.Crop: _crop,
    words.Flip: _flip,
    words.Rotation: _rotation,
    words.Affine: _affine,
    words.Perspective: _perspective,
    words.RandAugment: _rand_augment,
    words.TrivialAugment: _trivial_augment,
    words.ColorJitter: _color_jitter,
    words.Blur: _blur,
    words.Noise: _noise,
    words.Erasing: _erasing,
}
"""Section → change, in the order in which they are made: where things are, then what they look like."""


@dataclass(frozen=True)
class Transform:
    """Changes of an image, one after the other, each with its probability."""

    sections: tuple[Any, ...]
    """Those of a recipe."""

    @classmethod
    def of(cls, sections: Iterable[Any]) -> Self:
        """The changes in their order; what is not a change of one image is left out."""
        given = {type(section): section for section in sections}
        return cls(tuple(given[kind] for kind in _CHANGES if kind in given))

    def __call__(self, image: Image.Image, generator: Generator) -> Image.Image:
        """The changed image."""
        for section in self.sections:
            if happens(section.probability, generator):
                image = _CHANGES[type(section)](section, image, generator)
        return image
