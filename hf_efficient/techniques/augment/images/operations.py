"""What can be done to one image of 8 bits a channel, on pillow's own operations; the size stays what it is.

Nothing here is drawn: each function is given all that it does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge in pixels, the latter two exclusive."""

_MIRRORED: Final = {
    "horizontal": Image.Transpose.FLIP_LEFT_RIGHT,
    "vertical": Image.Transpose.FLIP_TOP_BOTTOM,
}
_ENHANCED: Final = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
    "sharpness": ImageEnhance.Sharpness,
}


def flip(image: Image.Image, direction: str) -> Image.Image:
    """The image mirrored, `horizontal` or `vertical`."""
    return image.transpose(_MIRRORED[direction])


def crop(image: Image.Image, box: Box) -> Image.Image:
    """A part of the image, enlarged to the size of the whole."""
    return image.resize(image.size, Image.Resampling.BILINEAR, box=box)


def affine(
    image: Image.Image,
    *,
    degrees: float = 0.0,
    translate: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    shear: tuple[float, float] = (0.0, 0.0),
    fill: int = 0,
) -> Image.Image:
    """The image sheared, scaled and turned clockwise about its centre, then moved.

    `translate` is in pixels to the right and down, `shear` the tangents by which x grows along y, and y along x.
    """
    cosine, sine = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    a, b = cosine - sine * shear[1], cosine * shear[0] - sine
    c, d = sine + cosine * shear[1], sine * shear[0] + cosine
    determinant = a * d - b * c
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant  # backwards
    centre_x, centre_y = image.width / 2, image.height / 2
    x, y = centre_x + translate[0], centre_y + translate[1]
    coefficients = (a, b, centre_x - a * x - b * y, c, d, centre_y - c * x - d * y)
    return image.transform(
        image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=_colour(image, fill)
    )


def perspective(image: Image.Image, corners: Sequence[tuple[float, float]], fill: int = 0) -> Image.Image:
    """The image with its corners moved: upper left, upper right, lower right and lower left, in pixels."""
    width, height = image.size
    sources = ((0, 0), (width, 0), (width, height), (0, height))
    rows = []
    for (x, y), (u, v) in zip(corners, sources, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    coefficients = np.linalg.solve(np.array(rows), np.array(sources, dtype=np.float64).reshape(-1))
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        tuple(coefficients),
        Image.Resampling.BILINEAR,
        fillcolor=_colour(image, fill),
    )


def _colour(image: Image.Image, grey: int) -> tuple[int, ...]:
    return (grey,) * len(image.getbands())


def enhance(image: Image.Image, what: str, factor: float) -> Image.Image:
    """The image with another `brightness`, `contrast`, `saturation` or `sharpness`: 0 is none, 1 the image's own."""
    return _ENHANCED[what](image).enhance(factor)


def shift_hue(image: Image.Image, shift: float) -> Image.Image:
    """The image with its colours moved round the circle by so much of it; grey images have none."""
    if image.mode == "L":
        return image
    hue, *others = image.convert("HSV").split()
    moved = hue.point([round(value + 255 * shift) % 256 for value in range(256)])
    return Image.merge("HSV", (moved, *others)).convert(image.mode)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """The image blurred by a Gaussian of that width in pixels."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def add_noise(image: Image.Image, noise: NDArray[np.float32]) -> Image.Image:
    """The image with a number added to each pixel and channel, where 255 is from black to white."""
    pixels = np.asarray(image, dtype=np.float32) + noise
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8), image.mode)


def paste(image: Image.Image, patch: Image.Image, corner: tuple[int, int]) -> Image.Image:
    """The image with a patch put over it, its upper left corner there."""
    pasted = image.copy()
    pasted.paste(patch, corner)
    return pasted


def posterize(image: Image.Image, bits: int) -> Image.Image:
    """The image with so many bits a channel."""
    return ImageOps.posterize(image, bits)


def solarize(image: Image.Image, threshold: int) -> Image.Image:
    """The image with all values from the threshold on inverted."""
    return ImageOps.solarize(image, threshold)


def autocontrast(image: Image.Image) -> Image.Image:
    """The image with the darkest value of each channel at 0 and the brightest at 255."""
    return ImageOps.autocontrast(image)


def equalize(image: Image.Image) -> Image.Image:
    """The image with each channel's values spread evenly."""
    return ImageOps.equalize(image)
