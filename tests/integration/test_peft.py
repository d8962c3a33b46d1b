"""Adapters by a recipe: what a run leaves, and that it goes on and is used as it was trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from hf_efficient.errors import HfEfficientError, RunDirectoryError
from hf_efficient.hub import published_files
from hf_efficient.recipe import Recipe
from hf_efficient.training.finetune import finetune
from hf_efficient.training.score import evaluate_run, load_run, predict_run
from tests.processes import run_processes
from tests.runs import losses, smoke, teacher, train

pytestmark = pytest.mark.usefixtures("own_cache")

LORA = {"peft.method": "lora"}
PROMPTS = {"peft.method": "prompt_tuning", "peft.num_virtual_tokens": 4}
BEST = {
    "training.load_best_model_at_end": True,
    "training.metric_for_best_model": "loss",
    "training.greater_is_better": True,
    "training.learning_rate": 0.3,
    "training.num_train_epochs": 4,
    "training.save_total_limit": 10,
}


def from_teacher(tmp_path: Path, settings: dict) -> Recipe:
    """A recipe whose base lies in a directory."""
    pretrained = {"model.name": teacher(), "model.initialization": "pretrained", "training.learning_rate": 3e-2}
    return smoke(tmp_path / "run", {**pretrained, **settings})


def predicted(folder: str, adapter: str | None = None) -> list:
    """Logits of a row by what lies in directories, with plain transformers and peft."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    model = model if adapter is None else PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(2, 12)[None]).logits.tolist()


def test_base_and_adapter_and_the_merged_model_give_the_run_s_logits_in_a_fresh_process(tmp_path):
    outcome = finetune(from_teacher(tmp_path, LORA))
    with torch.no_grad():
        expected = outcome.model.eval()(input_ids=torch.arange(2, 12)[None]).logits.numpy()
    base, run = f"{teacher()}/model", str(tmp_path / "run")
    (merged,) = run_processes(1, predicted, f"{run}/model")
    (loaded,) = run_processes(1, predicted, base, f"{run}/adapter")
    np.testing.assert_allclose(merged, expected, atol=1e-5)
    np.testing.assert_allclose(loaded, expected, atol=1e-5)
    assert np.abs(np.asarray(predicted(base)) - expected).max() > 1e-2
    assert outcome.report["adapter"] == {"method": "lora", "merged": True}
    assert outcome.report["model"]["class"] == "BertForSequenceClassification"
    assert 0 < outcome.report["model"]["trainable_parameters"] < outcome.report["model"]["parameters"] / 4


def test_checkpoints_hold_the_adapter_and_the_head_alone(tmp_path):
    train(from_teacher(tmp_path, LORA))
    for checkpoint in (tmp_path / "run/checkpoints").iterdir():
        names = load_file(checkpoint / "adapter_model.safetensors").keys()
        assert all("lora_" in name or "classifier" in name or "pooler" in name for name in names)
        assert any("classifier" in name for name in names)
        assert not (checkpoint / "model.safetensors").exists()
        assert not (checkpoint / "README.md").exists()


@pytest.mark.parametrize("adapter", [LORA, PROMPTS, {"peft.method": "p_tuning", "peft.num_virtual_tokens": 4}])
def test_the_best_model_is_that_of_its_checkpoint(adapter, tmp_path):
    """The worst loss for the best, which at so high a rate is not the last."""
    recipe = smoke(tmp_path / "run", {**adapter, **BEST})
    trained = train(recipe)
    scores = {log["step"]: log["eval_loss"] for log in trained.history if "eval_loss" in log}
    assert trained.best_step == max(scores, key=scores.__getitem__) < trained.steps
    saved = load_file(tmp_path / f"run/checkpoints/checkpoint-{trained.best_step}/adapter_model.safetensors")
    kept = load_file(tmp_path / "run/adapter/adapter_model.safetensors")
    assert saved.keys() == kept.keys()
    assert all(torch.equal(saved[name], kept[name]) for name in saved)
    assert evaluate_loss(recipe) == pytest.approx(scores[trained.best_step], rel=1e-5)


def evaluate_loss(recipe: Recipe) -> float:
    finetune(recipe)  # writes the report of a run that has trained all its steps
    return evaluate_run(load_run(recipe.training.output_dir)).metrics["loss"]


def test_virtual_tokens_are_evaluated_and_predict(tmp_path):
    outcome = finetune(smoke(tmp_path / "run", {**PROMPTS, "training.learning_rate": 3e-2}))
    run = load_run(tmp_path / "run")
    assert evaluate_run(run).metrics["loss"] == pytest.approx(outcome.metrics["loss"], rel=1e-5)
    assert len(predict_run(run, ["sail to the harbour", "boil the soup"]).table) == 2
    assert not (tmp_path / "run/model").exists()
    assert "PeftModel.from_pretrained" in (tmp_path / "run/README.md").read_text()
    assert "prompt_tuning can't be merged" in (tmp_path / "run/report.md").read_text()
    with pytest.raises(RunDirectoryError, match="found an adapter that is not merged"):
        published_files(tmp_path / "run")
    saved = tmp_path / "run/adapter/adapter_model.safetensors"
    weights = {name: torch.zeros(1, 1) for name in load_file(saved)}
    save_file(weights, saved)
    with pytest.raises(RunDirectoryError, match=r"run/adapter: the model of a finished run can't be loaded \("):
        load_run(tmp_path / "run")
    (tmp_path / "run/base/model.safetensors").write_bytes(b"damaged")
    with pytest.raises(RunDirectoryError, match=r"run/base: the model of a finished run can't be loaded \((?!it is)"):
        load_run(tmp_path / "run")


def adapted_on(output_dir: str, adapter: dict) -> tuple[int, list[float]]:
    settings = {**adapter, "training.load_best_model_at_end": True, "training.metric_for_best_model": "loss"}
    outcome = finetune(smoke(Path(output_dir), {**settings, "training.per_device_train_batch_size": 4}))
    with torch.no_grad():
        logits = outcome.model.eval()(input_ids=torch.arange(2, 12)[None]).logits
    return outcome.report["launch"]["world_size"], logits[0].tolist()


def test_two_processes_end_with_the_same_merged_model(tmp_path):
    (size, first), (_, second) = run_processes(2, adapted_on, str(tmp_path / "run"), LORA)
    assert size == 2
    assert first == second
    np.testing.assert_allclose(predicted(str(tmp_path / "run/model"))[0], first, atol=1e-5)


@pytest.mark.parametrize("adapter", [PROMPTS, {"peft.method": "lily"}], ids=["prompt_tuning", "lily"])
def test_two_processes_end_with_the_same_adapter_that_stays_one(adapter, tmp_path):
    (_, first), (_, second) = run_processes(2, adapted_on, str(tmp_path / "run"), adapter)
    assert first == second
    with torch.no_grad():
        loaded = load_run(tmp_path / "run").model(input_ids=torch.arange(2, 12)[None]).logits[0]
    np.testing.assert_allclose(loaded, first, atol=1e-5)


def test_a_student_of_its_teacher_learns_by_an_adapter(tmp_path):
    settings = {**LORA, "distill.teacher": teacher(), "distill.student": {"from_teacher": {"layers": [0]}}}
    words = {"task": "text-classification", "data": {"name": "demo/smoke"}}
    trained = train(Recipe.from_mapping(words, {**settings, "training.output_dir": str(tmp_path / "run")}))
    assert np.isfinite(losses(trained)).all()
    assert trained.model.config.num_hidden_layers == 1


def test_layers_have_rates_of_their_own(tmp_path):
    plain = losses(train(smoke(tmp_path / "plain", LORA)))
    slow = losses(train(smoke(tmp_path / "slow", {**LORA, "training.layerwise_lr_decay": 0.5})))
    assert slow[0] == plain[0]
    assert slow[-1] != plain[-1]


def test_activation_checkpointing_changes_nothing(tmp_path):
    plain = losses(train(smoke(tmp_path / "plain", LORA)))
    less = losses(train(smoke(tmp_path / "less", {**LORA, "training.activation_checkpointing": True})))
    assert less == pytest.approx(plain, rel=1e-6)


def test_long_rows_leave_room_for_virtual_tokens(tmp_path):
    with pytest.raises(
        HfEfficientError,
        match="expected at most 60, the positions of this bert model beside 4 virtual tokens; found 64",
    ):
        train(smoke(tmp_path / "run", {**PROMPTS, "data.max_length": 64}))


def test_the_plan_says_what_the_rate_is(tmp_path):
    recipe = Recipe.from_mapping(
        {
            "task": "text-classification",
            "model": {"name": "demo/tiny-bert", "initialization": "random"},
            "data": {"name": "demo/smoke"},
            "peft": {"method": "lora"},
            "training": {"output_dir": str(tmp_path / "run"), "num_train_epochs": 1},
        }
    )
    finetune(recipe)
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["training"]["learning_rate"] == pytest.approx(5e-4)
    assert any("training.learning_rate is 0.0005 by default: 10 × that of full" in note for note in report["notes"])
