"""Image classification: one label for each image, several, or a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hf_efficient.data.encode import Encoded
from hf_efficient.data.images import (
    ImageRules,
    encoded_images,
    image_mode,
    image_name,
    read_image,
    resolve_image_columns,
    without_bars,
)
from hf_efficient.errors import DataError
from hf_efficient.tasks.classification import Classification

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import BaseImageProcessor


@dataclass(frozen=True)
class ImageClassification(Classification):
    """The task, learnt from the training rows."""

    name = "image-classification"
    auto_model = "AutoModelForImageClassification"
    rules = ImageRules.of
    resolve = staticmethod(resolve_image_columns)

    def encode(self, table: Dataset, processor: BaseImageProcessor, *, split: str, **limits: Any) -> Encoded:
        """Images as they lie on disk, each with its `name`; `labels` and `sample_weight` where the table has them.

        The collator decodes them, so that only the pixels of one batch are held in memory. No limit of texts applies.

        Raises:
            DataError: a label or weight that can't be used.
        """
        images = encoded_images(table, self.columns.image, split)
        names = [image_name(value, split, number) for number, value in enumerate(images["image"], start=1)]
        with without_bars():
            return Encoded(self.add_labels(images.add_column("name", names), table, split), 0)

    def collator(self, processor: BaseImageProcessor) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches of decoded images: `pixel_values` (images, channels, height, width), `labels`, `sample_weight`."""
        return _Collator(processor, self)


@dataclass(frozen=True)
class _Collator:
    processor: Any
    task: Classification

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        mode = image_mode(self.processor)
        pixels = [self._pixels(read_image(row["image"], mode, row["name"])) for row in features]
        _refuse_other_sizes(pixels, features)
        batch = {"pixel_values": torch.from_numpy(np.stack(pixels))}
        return batch | self.task.side_columns(features)

    def _pixels(self, image: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self.processor(image)["pixel_values"][0], dtype=np.float32)


def _refuse_other_sizes(pixels: Sequence[np.ndarray[Any, Any]], features: Sequence[Mapping[str, Any]]) -> None:
    first = pixels[0].shape
    for row, image in zip(features, pixels, strict=True):
        if image.shape != first:
            sizes = [" × ".join(map(str, shape[-2:])) for shape in (first, image.shape)]
            raise DataError(
                f"{row['name']}: expected {sizes[0]} pixels, as {features[0]['name']} has after the model's image "
                f"processor, found {sizes[1]}; set data.image_size"
            )
