"""Grey images in the IDX files of MNIST and its successors."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Final

from hf_efficient.assets.convert.images import write_images

FASHION_CLASSES: Final = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_FILES: Final = {"train": "train", "test": "t10k"}


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet` and `test.parquet`, with images and the names of their classes."""
    for split, stem in _FILES.items():
        (_, height, width), pixels = read(source / f"{stem}-images-idx3-ubyte.gz")
        _, labels = read(source / f"{stem}-labels-idx1-ubyte.gz")
        size = height * width
        images = (pixels[start : start + size] for start in range(0, len(pixels), size))
        names = (FASHION_CLASSES[label] for label in labels)
        write_images(images, names, (width, height), target / f"{split}.parquet")


def read(path: Path) -> tuple[tuple[int, ...], bytes]:
    """Shape and bytes of an IDX file of unsigned bytes: two zeros, type 8, the number of sizes, the sizes, the bytes.

    Raises:
        ValueError: it is no such file.
    """
    content = gzip.decompress(path.read_bytes())
    num_sizes = content[3]
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i]) for i in range(num_sizes))
    values = content[4 + 4 * num_sizes :]
    if content[:3] != b"\0\0\x08" or len(values) != math.prod(shape):
        raise ValueError(f"{path.name}: expected an IDX file of bytes, of {shape}, found {len(values)} of them")
    return shape, values
