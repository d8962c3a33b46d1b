"""Where the image of a row is, and how it is put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from hf_efficient.data.images import read_image

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
