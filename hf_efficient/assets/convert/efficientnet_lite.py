"""EfficientNet-Lite0's published weights, under the names of this package's model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

WEIGHTS: Final = "efficientnet-lite0-57934424.pth"

_NORM: Final = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_PARTS: Final = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
"""Part of a block → its convolution and its normalisation in the published file."""

PROCESSOR: Final = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
}
"""The pixels that the weights were trained on: (value − 127) / 128 of the middle 224 × 224."""


def convert(source: Path, target: Path) -> None:
    """Write a directory that transformers loads once `hf_efficient.models` is imported."""
    import torch
    from safetensors.torch import save_file

    published = torch.load(source / WEIGHTS, weights_only=True, map_location="cpu")
    weights = {new: published[old].contiguous() for new, old in names(published)}
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    config = {
        "model_type": "efficientnet-lite",
        "architectures": ["EfficientNetLiteForImageClassification"],
        "id2label": {str(index): f"LABEL_{index}" for index in range(len(published["_fc.bias"]))},
        "label2id": {f"LABEL_{index}": index for index in range(len(published["_fc.bias"]))},
    }
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (target / "preprocessor_config.json").write_text(json.dumps(PROCESSOR, indent=2) + "\n", encoding="utf-8")


def names(published: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each weight's name here, and in the published file."""
    body = "efficientnet_lite"
    yield from _layer(f"{body}.stem", "_conv_stem", "_bn0")
    yield from _layer(f"{body}.head", "_conv_head", "_bn1")
    blocks = sorted({int(name.split(".")[1]) for name in published if name.startswith("_blocks.")})
    for block in blocks:
        for part, (conv, norm) in _PARTS.items():
            old = f"_blocks.{block}"
            if f"{old}.{conv}.weight" in published:
                yield from _layer(f"{body}.blocks.{block}.{part}", f"{old}.{conv}", f"{old}.{norm}")
    yield from ((f"classifier.{name}", f"_fc.{name}") for name in ("weight", "bias"))


def _layer(new: str, conv: str, norm: str) -> Iterator[tuple[str, str]]:
    yield f"{new}.0.weight", f"{conv}.weight"
    yield from ((f"{new}.1.{name}", f"{norm}.{name}") for name in _NORM)
