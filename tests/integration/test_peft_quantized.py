"""Adapters on quantised weights, merged afterwards, and adapters as teachers."""

from __future__ import annotations

import json

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from transformers import AutoModelForSequenceClassification

from hf_efficient.cli.app import run as command
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.recipe import Recipe
from hf_efficient.training.finetune import finetune
from hf_efficient.training.score import evaluate_run, load_run
from tests.integration.command_line import sentences, write_rows
from tests.runs import CutOffError, losses, smoke, teacher, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")

KINDS = {"nf4": Linear4bit, "int8": Linear8bitLt}


def quantized(tmp_path, kind: str, **settings) -> Recipe:
    base = {"model.name": teacher(), "model.initialization": "pretrained", "training.learning_rate": 1e-2}
    return smoke(tmp_path, {**base, "model.quantization": kind, "peft.method": "lora", **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_all_but_the_head_is_quantised_and_the_rest_stays_in_fp32(kind, tmp_path):
    outcome = finetune(quantized(tmp_path / "run", kind))
    model = outcome.model.get_base_model()
    assert sum(isinstance(module, KINDS[kind]) for module in model.modules()) == 12
    for head in (model.classifier, model.bert.pooler.dense):
        assert type(head.original_module) is torch.nn.Linear
    floats = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
    assert floats == {torch.float32}
    assert outcome.report["model"]["parameters"] > 33_000
    assert outcome.report["adapter"] == {"method": "lora", "merged": False}
    again = evaluate_run(load_run(tmp_path / "run")).metrics["loss"]
    assert again == pytest.approx(outcome.metrics["loss"], rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_it_resumes_bit_for_bit_across_evaluations(kind, tmp_path):
    whole, cut = (quantized(tmp_path / name, kind, **{"training.num_train_epochs": 2}) for name in ("whole", "cut"))
    expected = train(whole)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=8)
    resumed = train(cut)
    assert resumed.metrics == expected.metrics
    kept, other = weights(whole), weights(cut)
    assert all((kept[name] == other[name]).all() for name in kept if name.startswith("adapter."))


def test_an_evaluation_leaves_the_gradients_of_lower_layers(tmp_path):
    """After one, bitsandbytes may take a kernel without a backward pass for 4-bit weights (0.50, AVX512-BF16)."""
    still = {"model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}
    often = {**still, "training.eval_strategy": "steps", "training.eval_steps": 1}
    rarely = losses(train(quantized(tmp_path / "rarely", "nf4", **still)))
    assert losses(train(quantized(tmp_path / "often", "nf4", **often))) == pytest.approx(rarely, rel=1e-6)


def test_activation_checkpointing_changes_nothing(tmp_path):
    plain = losses(train(quantized(tmp_path / "plain", "nf4")))
    less = losses(train(quantized(tmp_path / "less", "nf4", **{"training.activation_checkpointing": True})))
    assert less == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_merging_writes_a_plain_model_and_says_what_it_costs(kind, tmp_path, capsys):
    outcome = finetune(quantized(tmp_path / "run", kind))
    ids = torch.arange(2, 12)[None]
    with torch.no_grad():
        trained = outcome.model.eval()(input_ids=ids).logits
    capsys.readouterr()
    assert command(["merge", str(tmp_path / "run"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model").eval()
    assert not any(isinstance(module, tuple(KINDS.values())) for module in plain.modules())
    with torch.no_grad():
        merged = plain(input_ids=ids).logits
    tolerance = 1e-5 if kind == "nf4" else 1e-2  # int8 rounds what goes into a layer, too
    torch.testing.assert_close(merged, trained, rtol=0, atol=tolerance)
    assert 0 <= facts["mean_difference_of_logits"] <= facts["largest_difference_of_a_logit"] < tolerance
    assert facts["metrics_of_the_run"] == pytest.approx(dict(outcome.metrics), rel=1e-4)
    assert facts["metrics"].keys() == facts["metrics_of_the_run"].keys()
    assert command(["merge", str(tmp_path / "run")]) == 1
    assert "exists already; name another directory with --output" in capsys.readouterr().err


def test_a_run_whose_rows_are_gone_is_merged_all_the_same(tmp_path, capsys):
    rows = write_rows(tmp_path / "rows.csv", sentences(24))
    data = {"data.name": None, "data.train": str(rows), "training.num_train_epochs": 1}
    finetune(quantized(tmp_path / "run", "nf4", **data))
    rows.unlink()
    capsys.readouterr()
    assert command(["merge", str(tmp_path / "run")]) == 0
    assert "not measured: " in " ".join(capsys.readouterr().out.split())
    AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model")


def test_a_merged_model_that_can_not_be_written_is_one_line(tmp_path, capsys):
    finetune(quantized(tmp_path / "run", "nf4", **{"training.num_train_epochs": 1}))
    (tmp_path / "file").touch()
    assert command(["merge", str(tmp_path / "run"), "--output", str(tmp_path / "file" / "model")]) == 1
    assert "can't be written" in capsys.readouterr().err


def test_what_is_merged_or_can_not_be_is_said(tmp_path, capsys):
    train_and_report = {"lora": {"peft.method": "lora"}, "prompts": {"peft.method": "prompt_tuning"}}
    for name, settings in train_and_report.items():
        finetune(smoke(tmp_path / name, {**settings, "training.num_train_epochs": 1}))
    assert command(["merge", str(tmp_path / "lora")]) == 1
    assert "expected an adapter that is not merged, found a plain model" in capsys.readouterr().err
    assert command(["merge", str(tmp_path / "prompts")]) == 1
    assert "prompt_tuning has no weights that a model could take over" in capsys.readouterr().err


def test_quantised_weights_are_for_adapters_alone(tmp_path):
    with pytest.raises(RecipeError, match=r"model\.quantization can't take effect: quantised weights can't be trained"):
        smoke(tmp_path, {"model.quantization": "nf4"})


def test_adapters_teach(tmp_path):
    settings = {"model.name": teacher(), "model.initialization": "pretrained", "training.num_train_epochs": 1}
    finetune(smoke(tmp_path / "lora", {**settings, "peft.method": "lora"}))
    finetune(smoke(tmp_path / "prompts", {**settings, "peft.method": "prompt_tuning"}))
    taught = {
        name: losses(train(smoke(tmp_path / f"by-{number}", {"distill.teacher": str(tmp_path / name)})))
        for number, name in enumerate(("lora", "lora/adapter", "prompts"))
    }
    assert taught["lora/adapter"] == pytest.approx(taught["lora"], rel=1e-5)
    assert taught["prompts"] != pytest.approx(taught["lora"], rel=1e-3)


def test_an_adapter_whose_base_has_no_weights_does_not_teach(tmp_path):
    finetune(smoke(tmp_path / "lora", {"peft.method": "lora", "training.num_train_epochs": 1}))
    with pytest.raises(PlanError, match=r"distill\.teacher: .*lora/adapter can't be loaded"):
        train(smoke(tmp_path / "run", {"distill.teacher": str(tmp_path / "lora/adapter")}))
