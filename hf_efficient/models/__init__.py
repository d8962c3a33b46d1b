"""Models: loading, and whether they fit their tokenizer or image processor."""

from hf_efficient.models.checks import max_length_of
from hf_efficient.models.load import (
    Loaded,
    encoding_limits,
    load_model,
    load_processing_class,
    load_tokenizer,
    takes_images,
)

__all__ = [
    "Loaded",
    "encoding_limits",
    "load_model",
    "load_processing_class",
    "load_tokenizer",
    "max_length_of",
    "takes_images",
]
