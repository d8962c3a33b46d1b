"""Tiny images in folders, and tiny models of images made from configurations: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from PIL import Image

from hf_efficient.models.efficientnet_lite import EfficientNetLiteConfig
from hf_efficient.recipe import Recipe

_TRANSFORMER = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
_STAGES = {"hidden_sizes": [8, 16], "depths": [1, 1]}

CONFIGS: dict[str, Callable[[], Any]] = {
    "vit": lambda: transformers.ViTConfig(image_size=16, patch_size=4, **_TRANSFORMER),
    "deit": lambda: transformers.DeiTConfig(
        image_size=16, patch_size=4, architectures=["DeiTForImageClassification"], **_TRANSFORMER
    ),
    "resnet": lambda: transformers.ResNetConfig(embedding_size=8, layer_type="basic", **_STAGES),
    "convnext": lambda: transformers.ConvNextConfig(num_stages=2, image_size=16, **_STAGES),
    "mobilenet_v2": lambda: transformers.MobileNetV2Config(
        image_size=16, depth_multiplier=0.25, classifier_dropout_prob=0.0, tf_padding=False
    ),
    "efficientnet": lambda: transformers.EfficientNetConfig(
        image_size=64,
        width_coefficient=0.25,
        depth_coefficient=0.1,
        hidden_dim=320,
        dropout_rate=0.0,
        kernel_sizes=[3] * 7,
    ),
    "efficientnet-lite": lambda: EfficientNetLiteConfig(
        stem_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 2],
        kernel_sizes=[3, 5],
        strides=[1, 2],
        expand_ratios=[1, 2],
        head_size=16,
    ),
}
"""Architectures by the name of their model type."""


def save_model(folder: Path, model_type: str) -> Path:
    """A directory with a configuration and an image processor for RGB images, without weights."""
    config = CONFIGS[model_type]()
    config.save_pretrained(folder)
    size = getattr(config, "image_size", 16)
    transformers.ViTImageProcessorPil(size={"height": size, "width": size}).save_pretrained(folder)
    return folder


def save_images(folder: Path, num_rows: int, seed: int = 0) -> Path:
    """`num_rows` grey images of several sizes in the folder of each of two classes, one dark and one light."""
    generator = np.random.default_rng(seed)
    for offset, name in ((0, "dark"), (120, "light")):
        (folder / name).mkdir(parents=True)
        for number in range(num_rows):
            pixels = generator.integers(offset, offset + 100, (12 + number % 3, 14), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return folder


def recipe(folder: Path, model_type: str = "vit", **settings: Any) -> Recipe:
    """A short run on 32 images, 16 of them held out, with settings laid over it."""
    if not (folder / "model").exists():
        save_model(folder / "model", model_type)
        save_images(folder / "images" / "train", 16)
        save_images(folder / "images" / "validation", 8, seed=1)
    words = {
        "task": {"type": "image-classification"},
        "model": {"name": str(folder / "model"), "initialization": "random"},
        "data": {"name": str(folder / "images")},
        "training": {
            "output_dir": str(folder / "run"),
            "per_device_train_batch_size": 8,
            "num_train_epochs": 3,
            "learning_rate": 3e-3,
            "logging_steps": 1,
            "precision": "fp32",
        },
    }
    return Recipe.from_mapping(words, {name.replace("__", "."): value for name, value in settings.items()})
