"""Recipes that save memory or compile, from their words to a scored model."""

from __future__ import annotations

import pytest
from torch._dynamo.utils import counters
from transformers import AutoConfig, AutoModelForSequenceClassification, BertForSequenceClassification

from hf_efficient import finetune
from hf_efficient.assets import resolve
from hf_efficient.errors import PlanError
from hf_efficient.training.score import evaluate_run, load_run

pytestmark = pytest.mark.usefixtures("own_cache")

SHORT = {"training.max_steps": 3, "training.save_strategy": "no"}


def test_a_compiled_run_is_scored_without_compiling(tmp_path):
    run = str(tmp_path / "run")
    counters.clear()
    outcome = finetune("smoke", {**SHORT, "training.torch_compile_backend": "eager", "training.output_dir": run})
    assert counters["stats"]["unique_graphs"] > 0
    assert AutoModelForSequenceClassification.from_pretrained(f"{run}/model").num_labels == 2
    counters.clear()
    assert evaluate_run(load_run(run)).metrics["accuracy"] == outcome.metrics["accuracy"]
    assert counters["stats"]["unique_graphs"] == 0


def test_a_run_of_another_machine_is_scored_here(tmp_path, monkeypatch):
    """Its optimizer is paged, which needs a GPU: only training does."""
    run = tmp_path / "run"
    outcome = finetune("smoke", {**SHORT, "training.output_dir": str(run)})
    words = (run / "recipe.yaml").read_text()
    assert "optim: adamw_torch" in words
    optim = next(line for line in words.splitlines() if line.strip().startswith("optim:"))
    (run / "recipe.yaml").write_text(words.replace(optim, "  optim: paged_adamw_8bit"))
    assert evaluate_run(load_run(run)).metrics["accuracy"] == outcome.metrics["accuracy"]
    with pytest.raises(PlanError, match="this run is on a CPU: write adamw_8bit"):
        finetune("smoke", {"training.optim": "paged_adamw_8bit", "training.output_dir": str(tmp_path / "other")})


class Unsupported(BertForSequenceClassification):
    supports_gradient_checkpointing = False


def test_a_model_without_activation_checkpointing_is_refused(tmp_path):
    config = AutoConfig.from_pretrained(resolve("demo/tiny-bert"))
    words = {"data.name": "demo/smoke", "training.output_dir": str(tmp_path / "run"), **SHORT}
    with pytest.raises(PlanError, match="activation_checkpointing is not supported by Unsupported: take it out"):
        finetune("smoke", {**words, "training.activation_checkpointing": True}, model=Unsupported(config))
    finetune("smoke", words, model=Unsupported(config))
