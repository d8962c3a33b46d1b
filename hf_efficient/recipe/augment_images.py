"""The parts of the `augment:` section that change images; each is on if it is written, with its own probability."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hf_efficient.recipe.section import Section


def _range(above: float | None = None, at_most: float | None = None) -> AfterValidator:
    """Two ends in order, within limits."""

    def check(ends: tuple[float, float]) -> tuple[float, float]:
        low, high = ends
        if low > high:
            raise ValueError(f"expected the lower end first, found {low:g} before {high:g}")
        if above is not None and low <= above:
            raise ValueError(f"expected a range above {above:g}, found {low:g} to {high:g}")
        if at_most is not None and high > at_most:
            raise ValueError(f"expected a range up to {at_most:g} at most, found {low:g} to {high:g}")
        return ends

    return AfterValidator(check)


Positive = Annotated[tuple[float, float], _range(above=0)]
"""Range of factors or sizes."""
Share = Annotated[tuple[float, float], _range(above=0, at_most=1)]
"""Range of shares of an image; nothing of it is larger than the image."""


class ImageAugmenter(Section):
    """A change of images."""

    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability that an image is changed like this."""


class _EverySecond(ImageAugmenter):
    probability: float = Field(default=0.5, ge=0.0, le=1.0)
    """Probability that an image is changed like this."""


class _Warp(ImageAugmenter):
    fill: int = Field(default=0, ge=0, le=255)
    """Grey level, from black at 0 to white at 255, of what lies beyond the edges of the image."""


class Crop(ImageAugmenter):
    """A part of the image, brought to the size of the whole (Szegedy et al. 2015, arXiv 1409.4842)."""

    scale: Share = (0.5, 1.0)
    """Range of the part's share of the image's area; a part too wide or too high for it is cut to fit, and smaller."""
    ratio: Positive = (0.75, 1.3333)
    """Range of the part's ratio of width to height, times that of the image."""


class Flip(_EverySecond):
    """The image mirrored."""

    direction: Literal["horizontal", "vertical", "either"] = "horizontal"
    """`horizontal` changes left and right; `either` draws one of both."""


class Rotation(_Warp):
    """The image turned about its centre."""

    degrees: float = Field(default=15.0, gt=0.0, le=180.0)
    """Angles are drawn from −`degrees` to `degrees`."""


class Affine(_Warp):
    """The image turned, moved, scaled and sheared about its centre."""

    degrees: float = Field(default=0.0, ge=0.0, le=180.0)
    """Angles are drawn from −`degrees` to `degrees`."""
    translate: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Largest shift, as a share of width and height."""
    scale: Positive = (0.9, 1.1)
    """Range of the factor of the size."""
    shear: float = Field(default=0.0, ge=0.0, lt=90.0)
    """Angles by which verticals lean are drawn from −`shear` to `shear` degrees."""


class Perspective(_EverySecond, _Warp):
    """The image as if it were seen from aside."""

    distortion_scale: float = Field(default=0.5, gt=0.0, le=1.0)
    """How far corners may move inwards: 1 is to the centre."""


class RandAugment(_Warp):
    """Some operations of a fixed list, one after the other, at one strength (Cubuk et al. 2020, arXiv 1909.13719)."""

    num_ops: int = Field(default=2, ge=1)
    """Operations an image."""
    magnitude: int = Field(default=9, ge=0, le=30)
    """Strength of the operations, from 0, which leaves images all but alone."""


class TrivialAugment(_Warp):
    """One operation of a fixed list, at a strength that is drawn too (Müller & Hutter 2021, arXiv 2103.10158)."""


class ColorJitter(ImageAugmenter):
    """Brightness, contrast, saturation and hue changed, in an order that is drawn."""

    brightness: float = Field(default=0.2, ge=0.0, le=1.0)
    """Factors are drawn from 1 − `brightness` to 1 + `brightness`."""
    contrast: float = Field(default=0.2, ge=0.0, le=1.0)
    """Likewise."""
    saturation: float = Field(default=0.2, ge=0.0, le=1.0)
    """Likewise; grey images have none."""
    hue: float = Field(default=0.0, ge=0.0, le=0.5)
    """Shifts are drawn from −`hue` to `hue` of the colour circle; grey images have none."""


class Blur(_EverySecond):
    """The image blurred by a Gaussian."""

    sigma: Positive = (0.1, 2.0)
    """Range of the Gaussian's width in pixels."""


class Noise(_EverySecond):
    """Gaussian noise added to each pixel and channel."""

    sigma: float = Field(default=0.1, gt=0.0, le=1.0)
    """Its standard deviation, where 1 is from black to white."""


class Erasing(_EverySecond):
    """A rectangle of the image erased (Zhong et al. 2020, arXiv 1708.04896)."""

    scale: Share = (0.02, 0.33)
    """Range of the rectangle's share of the image's area."""
    ratio: Positive = (0.3, 3.3)
    """Range of its ratio of width to height."""
    fill: Literal["noise"] | Annotated[int, Field(ge=0, le=255)] = "noise"
    """What stands there instead: random pixels, or a grey level from 0 to 255."""


class MixUp(ImageAugmenter):
    """The image blended with another training row's, and the labels with its labels (Zhang et al. 2018, arXiv
    1710.09412).
    """

    alpha: float = Field(default=0.2, gt=0.0)
    """The image's share is drawn from Beta(`alpha`, `alpha`): the smaller, the nearer to 0 or 1."""


class CutMix(ImageAugmenter):
    """A rectangle of another training row's image put into the image, and the labels mixed by area (Yun et al. 2019,
    arXiv 1905.04899); the rectangle lies within the image, where the paper's may be cut by its edges.
    """

    alpha: float = Field(default=1.0, gt=0.0)
    """The image's share is drawn from Beta(`alpha`, `alpha`)."""
