"""`EfficientTrainer(techniques=[Augment(…)])` on image data sets that no recipe has read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from datasets import Dataset
from PIL import Image

from hf_efficient import Augment, EfficientTrainer
from hf_efficient.errors import PlanError
from tests.tiny import Case
from tests.trajectory import arguments

PROCESSOR = transformers.ViTImageProcessorPil(size={"height": 8, "width": 8})
NOTHING = Augment(crop={"probability": 0.0}, mixup={"probability": 0.0}, cutmix={"probability": 0.0})
EVERYTHING = Augment(crop={}, flip={}, color_jitter={"hue": 0.1}, trivial_augment={}, erasing={}, mixup={}, cutmix={})


def table():
    generator = np.random.default_rng(0)
    images = [Image.fromarray(generator.integers(256, size=(9, 7, 3), dtype=np.uint8)) for _ in range(8)]
    return Dataset.from_dict({"image": images, "label": [0, 1, 2, 0, 1, 2, 0, 1]})


def pixels(image):
    return torch.as_tensor(PROCESSOR(image)["pixel_values"][0])


def collate(rows):
    labels = torch.tensor([row["label"] for row in rows])
    return {"pixel_values": torch.stack([pixels(row["image"]) for row in rows]), "labels": labels}


def transformed(batch):
    return {"pixel_values": [pixels(image) for image in batch["image"]], "label": batch["label"]}


WAYS = {
    "images and a collator": lambda: {"train_dataset": table(), "data_collator": collate},
    "a transform": lambda: {"train_dataset": table().with_transform(transformed), "processing_class": PROCESSOR},
    "a list": lambda: {"train_dataset": list(table().with_transform(transformed)), "processing_class": PROCESSOR},
}


def trained(folder, techniques, **settings):
    model = Case("vit", "single_label_classification").make_model()
    args = arguments(str(folder), per_device_train_batch_size=4, num_train_epochs=2, remove_unused_columns=False)
    trainer = EfficientTrainer(model, args, techniques=techniques, **settings)
    trainer.train()
    return [log["loss"] for log in trainer.state.log_history if "loss" in log]


@pytest.mark.parametrize("way", WAYS)
def test_views_are_trained_on_and_those_of_nothing_change_nothing(way, tmp_path):
    plain, same, augmented = (
        trained(tmp_path, techniques, **WAYS[way]()) for techniques in ([], [NOTHING], [EVERYTHING])
    )
    assert same == pytest.approx(plain, rel=1e-6)
    assert augmented != pytest.approx(plain, rel=1e-3)
    assert len(augmented) == 4


def test_a_loss_of_the_caller_s_own_knows_no_partners(tmp_path):
    with pytest.raises(PlanError, match="mix labels, of which compute_loss_func knows nothing"):
        trained(tmp_path, [Augment(mixup={})], **WAYS["a list"](), compute_loss_func=lambda *args, **kwargs: 0)
