"""Image classification end to end, through recipes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from hf_efficient import finetune
from hf_efficient.cli import run as run_command
from hf_efficient.errors import DataError, PlanError
from hf_efficient.training.score import evaluate_run, load_run, predict_run
from tests import tiny_images
from tests.runs import CutOffError, losses, train, weights


@pytest.mark.parametrize("model_type", tiny_images.CONFIGS)
def test_it_trains_saves_and_loads_with_plain_transformers(model_type, tmp_path):
    outcome = finetune(tiny_images.recipe(tmp_path, model_type))
    history = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    found = [log["loss"] for log in history if "loss" in log]
    assert len(found) == 12
    assert np.mean(found[-4:]) < np.mean(found[:4])
    model = transformers.AutoModelForImageClassification.from_pretrained(tmp_path / "run" / "model")
    assert model.config.id2label == {0: "dark", 1: "light"}
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "run" / "model", backend="pil")
    image = Image.open(tmp_path / "images" / "train" / "dark" / "00.png").convert("RGB")
    pixels = processor(image, return_tensors="pt")
    with torch.no_grad():
        expected = outcome.model.eval()(**pixels).logits
        assert torch.equal(model.eval()(**pixels).logits, expected)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    outcome = finetune(tiny_images.recipe(folder, training__num_train_epochs=6, training__learning_rate=1e-2))
    assert outcome.metrics["accuracy"] == 1.0
    return folder


def test_a_finished_run_scores_and_predicts_images(run):
    again = load_run(run / "run")
    report = json.loads((run / "run" / "report.json").read_text())
    assert evaluate_run(again).metrics["loss"] == pytest.approx(report["metrics"]["validation"]["loss"], abs=1e-6)
    folder = str(run / "images" / "validation")
    assert evaluate_run(again, folder).metrics["accuracy"] == 1.0
    assert predict_run(again, folder).table["prediction"][:] == ["dark"] * 8 + ["light"] * 8


def test_one_image_is_predicted_from_the_command_line(run, capsys):
    path = run / "images" / "validation" / "light" / "00.png"
    assert run_command(["predict", str(run / "run"), "--data", str(path)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["image"], row["prediction"]) == (str(path), "light")
    assert 0.5 < row["score"] <= 1


def test_an_explanation_names_sizes_rather_than_tokens(run, capsys):
    assert run_command(["explain", str(run / "run" / "recipe.yaml")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "ViTImageProcessorPil, to 16 × 16 pixels in 3 channels" in said
    assert "train images 14 × 12 to 14 × 14" in said


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_cut_off_resumes_bit_for_bit(workers, tmp_path):
    settings = {"training__save_strategy": "steps", "training__save_steps": 2}
    settings["training__dataloader_num_workers"] = workers
    whole = tiny_images.recipe(tmp_path, **settings)
    expected = losses(train(whole))
    cut = tiny_images.recipe(tmp_path, **settings, training__output_dir=str(tmp_path / "cut"))
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=7)
    resumed = train(cut)
    assert resumed.resumed_from_step == 6
    assert losses(resumed) == expected
    for name, value in weights(whole).items():
        assert np.array_equal(weights(cut)[name], value), name


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_named_in_one_line(workers, tmp_path):
    words = tiny_images.recipe(tmp_path, training__dataloader_num_workers=workers)
    path = tmp_path / "images" / "train" / "dark" / "03.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError) as error:
        finetune(words)
    assert str(error.value).startswith(f"{path}: the image can't be read: ")
    assert "\n" not in str(error.value)


def test_images_that_the_model_can_not_take(tmp_path):
    with pytest.raises(PlanError, match=r"data\.image_size: ViTForImageClassification can't take .*; set data\.image"):
        finetune(tiny_images.recipe(tmp_path, data__image_size=20))


def test_image_size_is_saved_with_the_model(tmp_path):
    finetune(tiny_images.recipe(tmp_path, "resnet", data__image_size=20, training__max_steps=1))
    saved = json.loads((tmp_path / "run" / "model" / "preprocessor_config.json").read_text())
    assert saved["size"] == {"height": 20, "width": 20}


def test_one_class_is_refused(tmp_path):
    words = tiny_images.recipe(tmp_path)
    for path in (tmp_path / "images" / "train" / "light").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="expected at least two classes, found dark"):
        finetune(words)


@pytest.mark.parametrize("model_type", ["vit", "convnext"])
def test_losses_do_not_depend_on_how_a_batch_is_split(model_type, tmp_path):
    whole = losses(train(tiny_images.recipe(tmp_path, model_type)))
    split = {"training__per_device_train_batch_size": 2, "training__gradient_accumulation_steps": 4}
    parts = tiny_images.recipe(tmp_path, model_type, **split, training__output_dir=str(tmp_path / "parts"))
    assert losses(train(parts)) == pytest.approx(whole, rel=1e-4)
