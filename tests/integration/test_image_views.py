"""`EfficientTrainer(techniques=[Augment(…)])` on image data sets that no recipe has read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from datasets import Dataset
from PIL import Image

from hf_efficient import Augment, EfficientTrainer, finetune
from hf_efficient.cli import run as run_command
from hf_efficient.errors import PlanError
from hf_efficient.training.image_sheet import sheet_of_views
from tests import tiny_images
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


def test_images_are_drawn_beside_their_views(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = tiny_images.recipe(tmp_path, augment={"noise": {"probability": 1.0}, "mixup": {"alpha": 1.0}})
    (tmp_path / "a.yaml").write_text(recipe.dump())
    command = ["augment", "a.yaml", "--show", "2"]
    assert run_command(command) == 0
    assert capsys.readouterr().out == "Wrote views.png: training images, and right of each its views\n"
    sheet = np.asarray(Image.open(tmp_path / "views.png"))
    cells = [sheet[8:120, left : left + 112].tobytes() for left in range(8, sheet.shape[1], 120)]
    assert len(cells) == len(set(cells)) == 7
    assert run_command(command) == 1
    assert "views.png exists" in capsys.readouterr().err
    assert run_command([*command, "--force", "--output", "views.csv"]) == 2
    assert "expected a file ending in .png" in " ".join(capsys.readouterr().err.split())


def test_the_report_says_how_many_views_there_were(tmp_path):
    augment = {"flip": {}, "copies": 2, "originals": True}
    report = finetune(tiny_images.recipe(tmp_path, augment=augment, training__num_train_epochs=1)).report
    assert report["data"]["rows"]["train"] == 96
    assert report["training"]["steps"] == 12
    assert report["techniques"]["augment"] == {"views": 64, "originals": 32, "fresh": True}
    note = "augment: 64 of the 96 training rows are views of images, drawn anew in each epoch"
    assert note in report["notes"]


def test_the_tiny_resnet_learns_from_grey_views(tmp_path):
    settings = {"training__max_steps": 8, "augment": {"crop": {}, "cutmix": {}}}
    tiny_images.recipe(tmp_path)
    recipe = tiny_images.recipe(tmp_path, model__name="demo/tiny-resnet", **settings)
    outcome = finetune(recipe)
    assert outcome.report["model"]["class"] == "ResNetForImageClassification"
    assert outcome.model.config.num_channels == 1
    assert outcome.report["metrics"]["validation"]["accuracy"] > 0.9


def test_views_without_an_effect_are_drawn_as_the_image_itself(tmp_path):
    sheet = np.asarray(sheet_of_views(tiny_images.recipe(tmp_path, augment={"flip": {}, "control": True}), 3))
    first, second = sheet[:, 8:120], sheet[:, 128:240]
    assert sheet.shape[1] == 2 * 120 + 8
    assert np.array_equal(first, second)


def test_a_loss_of_the_caller_s_own_knows_no_partners(tmp_path):
    with pytest.raises(PlanError, match="mix labels, of which compute_loss_func knows nothing"):
        trained(tmp_path, [Augment(mixup={})], **WAYS["a list"](), compute_loss_func=lambda *args, **kwargs: 0)
