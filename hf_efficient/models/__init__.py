"""Models: loading, and whether they fit their tokenizer or image processor."""

from hf_efficient.models.checks import max_length_of
from hf_efficient.models.image_processor import blank_pixels
from hf_efficient.models.load import (
    Loaded,
    encoding_limits,
    load_model,
    load_processing_class,
    load_tokenizer,
    read_image_processor,
    takes_images,
)

__all__ = [
    "Loaded",
    "blank_pixels",
    "encoding_limits",
    "load_model",
    "load_processing_class",
    "load_tokenizer",
    "max_length_of",
    "read_image_processor",
    "takes_images",
]
