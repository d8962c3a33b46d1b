"""Where the image of a row is, and how it is put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import torch
from PIL import Image, ImageOps

from hf_efficient.data.images import IMAGE_NAMES, image_mode, read_image
from hf_efficient.errors import PlanError

Row = Mapping[str, Any]


class Pictures(Protocol):
    """Reads and writes the images of rows."""

    def read(self, row: Row, /) -> Image.Image:
        """The row's image, grey or of three colours, 8 bits each."""
        ...

    def put(self, row: Row, image: Image.Image, /) -> Row:
        """The row with another image."""
        ...


@dataclass(frozen=True)
class Files:
    """Images as a recipe's rows hold them: not decoded yet, in the column `image`, with a `name`."""

    mode: str
    """Of pillow, as the model's image processor takes them."""

    def read(self, row: Row) -> Image.Image:
        """The pixels of the file.

        Raises:
            DataError: it can't be read.
        """
        return read_image(row["image"], self.mode, row["name"])

    def put(self, row: Row, image: Image.Image) -> Row:
        """The row with an image that is open already."""
        return {**row, "image": image}


@dataclass(frozen=True)
class Open:
    """Images of pillow, as `datasets` decodes them."""

    column: str

    def read(self, row: Row) -> Image.Image:
        """The image upright, in colour if it has colours."""
        image = ImageOps.exif_transpose(row[self.column])
        return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode in ("1", "LA") else "RGB")

    def put(self, row: Row, image: Image.Image) -> Row:
        """The row with another image."""
        return {**row, self.column: image}


@dataclass(frozen=True)
class Pixels:
    """What an image processor has made of images of 8 bits: `pixel_values`, (channels, height, width)."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    """Of the channels, where 1 is white."""

    @classmethod
    def of(cls, processor: Any) -> Self:
        """As a processor has scaled them."""
        scale = 255 * processor.rescale_factor if processor.do_rescale else 255.0
        if not processor.do_normalize:
            return cls((0.0,), (1 / scale,))
        mean, deviation = (np.atleast_1d(part) / scale for part in (processor.image_mean, processor.image_std))
        return cls(tuple(mean.tolist()), tuple(deviation.tolist()))

    def read(self, row: Row) -> Image.Image:
        """The image before it was scaled, in 8 bits."""
        values = np.asarray(row["pixel_values"], dtype=np.float32)
        colours = values * _per_channel(self.deviation) + _per_channel(self.mean)
        channels = (255 * colours).round().clip(0, 255).astype(np.uint8)
        return Image.merge("L" if len(channels) == 1 else "RGB", [Image.fromarray(channel) for channel in channels])

    def put(self, row: Row, image: Image.Image) -> Row:
        """The row with another image, scaled alike."""
        channels = np.stack([np.asarray(channel, dtype=np.float32) for channel in image.split()])
        values = (channels / 255 - _per_channel(self.mean)) / _per_channel(self.deviation)
        return {**row, "pixel_values": torch.from_numpy(values.astype(np.float32))}


def _per_channel(numbers: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(numbers, dtype=np.float32)[:, None, None]


def pictures_of(row: Row, processor: Any) -> Pictures:
    """Where the images of such rows are, of a data set that no recipe has read.

    Raises:
        PlanError: there are none, or nobody can tell which colours they have.
    """
    for column in IMAGE_NAMES:
        if isinstance(row.get(column), Image.Image):
            return Open(column)
    if "pixel_values" not in row:
        raise PlanError(
            f"augment changes images: expected a column image of pillow's, or pixel_values; found {', '.join(row)}."
        )
    if not hasattr(processor, "image_mean"):
        raise PlanError(
            "augment can't tell the colours in pixel_values; give EfficientTrainer processing_class=, the image "
            "processor that made them."
        )
    return Pixels.of(processor)


def files_of(processor: Any) -> Files:
    """The images of a recipe's rows."""
    return Files(image_mode(processor))
