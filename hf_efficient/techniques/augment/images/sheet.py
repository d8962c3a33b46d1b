"""A picture of images beside their views, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

_SIDE: Final = 112
"""Pixels that the longer side of each image is brought to."""
_MARGIN: Final = 8
_CAPTION: Final = 14
_CELL: Final = (_SIDE + _MARGIN, _SIDE + _CAPTION + _MARGIN)


@dataclass(frozen=True)
class Captioned:
    """An image and a few words below it."""

    image: Image.Image
    caption: str


def contact_sheet(rows: Sequence[Sequence[Captioned]]) -> Image.Image:
    """The images in rows and columns; small ones are enlarged, so that each pixel is seen."""
    columns = max(map(len, rows))
    sheet = Image.new("RGB", (columns * _CELL[0] + _MARGIN, len(rows) * _CELL[1] + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            left, upper = x * _CELL[0] + _MARGIN, y * _CELL[1] + _MARGIN
            sheet.paste(_sized(cell.image), (left, upper))
            draw.text((left, upper + _SIDE), _fitting(cell.caption, draw), fill="black")
    return sheet


def _sized(image: Image.Image) -> Image.Image:
    factor = _SIDE / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BILINEAR)


def _fitting(caption: str, draw: ImageDraw.ImageDraw) -> str:
    """The caption, cut to the width of an image."""
    if draw.textlength(caption) <= _SIDE:
        return caption
    while draw.textlength(f"{caption}…") > _SIDE:
        caption = caption[:-1]
    return f"{caption}…"
