"""Image processors, and whether they fit their model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hf_efficient.data.images import image_mode
from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedModel

BLANK_SIZE = 64
"""Height and width of the blank image that is fed to a model to see whether it takes what its processor makes."""


def set_image_size(processor: Any, image_size: int) -> None:
    """Make a processor resize each image to a square, whatever its shape, and cut nothing off."""
    processor.size = {"height": image_size, "width": image_size}
    processor.do_resize, processor.do_center_crop = True, False


def check_images(model: PreTrainedModel, processor: BaseImageProcessor, place: Callable[[str], str]) -> None:
    """Refuse a processor whose images the model can't take; no random number is drawn, no statistic moved.

    Raises:
        PlanError: the model's own reason.
    """
    training = model.training
    model.train(False)
    try:
        with torch.no_grad():
            model(pixel_values=blank_pixels(processor).to(model.device, model.dtype))
    except (ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise PlanError(
            f"{place('data.image_size')}: {type(model).__name__} can't take the images that its processor makes: "
            f"{said}; set data.image_size, or image_size and num_channels in model.config"
        ) from error
    finally:
        model.train(training)


def blank_pixels(processor: Any) -> torch.Tensor:
    """What a processor makes of one black image, shape (1, channels, height, width)."""
    from PIL import Image

    image = Image.new(image_mode(processor), (BLANK_SIZE, BLANK_SIZE))
    return torch.from_numpy(np.asarray(processor(image)["pixel_values"], dtype=np.float32))
