"""Language models from recipe to completions, on a tiny Llama that reads bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from hf_efficient.cli.app import run as command
from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.recipe import Recipe
from hf_efficient.training.finetune import Outcome, finetune
from hf_efficient.training.score import evaluate_run, load_run, predict_run
from tests.runs import CutOffError, losses, smoke, train, weights
from tests.tiny_writers import save_llama

COLOURS = {"sky": "blue", "grass": "green", "snow": "white", "coal": "black"}
QUICK = {"learning_rate": 1e-2, "num_train_epochs": 4, "per_device_train_batch_size": 4, "precision": "fp32"}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def chat_llama(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("chat"), chat=True)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def tune(model: str, rows: str, output_dir: Path, **sections: Any) -> Outcome:
    recipe = {
        "task": {"type": "text-generation"},
        "model": {"name": model},
        "data": {"train": rows, "validation": rows, **sections.pop("data", {})},
        "training": {"output_dir": str(output_dir), **QUICK, **sections.pop("training", {})},
    }
    return finetune(recipe, **sections)


def plain(outcome: Outcome) -> tuple[Any, Any]:
    """The model and its tokenizer, loaded with nothing but transformers."""
    path = outcome.directory.model
    return AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)


def completion(outcome: Outcome, prompt: str, length: int) -> str:
    model, tokenizer = plain(outcome)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    written = model.generate(**ids, do_sample=False, max_new_tokens=length)
    return tokenizer.decode(written[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


@pytest.fixture(scope="module")
def texts(llama, tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"text": f"the {thing} is {colour}"} for thing, colour in COLOURS.items()] * 48
    return tune(llama, write(folder / "rows.jsonl", rows), folder / "run", training={"per_device_train_batch_size": 1})


def test_packed_texts_are_learnt_and_gone_on_with(texts):
    assert texts.report["task"] == {
        "type": "text-generation",
        "problem": "next_token",
        "labels": [],
        "rows": "text",
        "packing": True,
    }
    assert texts.report["data"]["rows"]["train"] < 192, "rows share sequences"
    assert texts.metrics["perplexity"] == pytest.approx(np.exp(texts.metrics["loss"]), rel=1e-6)
    assert texts.metrics["perplexity"] < 2
    assert texts.metrics["token_accuracy"] > 0.8
    assert completion(texts, "the snow is ", 5) == "white"


def test_the_command_writes_what_the_plain_model_writes(texts, capsys):
    prompts = ["the sky is ", "the grass"]
    run = str(texts.directory.path)
    arguments = [part for prompt in prompts for part in ("--text", prompt)]
    assert command(["predict", run, "task.generation.max_new_tokens=7", *arguments]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found == [{"text": prompt, "prediction": completion(texts, prompt, 7)} for prompt in prompts]


def test_scoring_again_gives_the_same_metrics(texts):
    scored = evaluate_run(load_run(texts.directory.path), split="validation")
    assert scored.metrics == pytest.approx(texts.metrics, rel=1e-6)


def test_the_loss_of_packed_rows_is_that_of_padded_rows(texts):
    scored = evaluate_run(load_run(texts.directory.path, ["data.packing=false"]), split="validation")
    assert scored.metrics == pytest.approx(texts.metrics, rel=1e-5)


def test_a_model_writes_less_than_it_can_read(texts):
    run = load_run(texts.directory.path, ["task.generation.max_new_tokens=64"])
    with pytest.raises(PlanError, match=r"max_new_tokens: expected less than 64, what the model reads in all"):
        predict_run(run, ["the sky"])


@pytest.mark.parametrize("packing", [False, True])
def test_completions_are_learnt_and_prompts_are_not(packing, llama, tmp_path):
    rows = [{"prompt": f"{thing}:", "completion": f" {colour}"} for thing, colour in COLOURS.items()] * 48
    settings = {"data": {"packing": packing}, "training": {"per_device_train_batch_size": 1 if packing else 4}}
    outcome = tune(llama, write(tmp_path / "rows.jsonl", rows), tmp_path / "run", **settings)
    assert outcome.metrics["perplexity"] < 1.5, "that of the prompts, one of four at random, would be more"
    predicted = predict_run(load_run(outcome.directory.path), write(tmp_path / "asked.jsonl", rows[:4]))
    assert predicted.table["prediction"][:] == [row["completion"] for row in rows[:4]]
    assert predicted.table["completion"][:] == [row["completion"] for row in rows[:4]]


def test_the_assistants_turns_are_learnt(chat_llama, tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": thing}, {"role": "assistant", "content": colour}]}
        for thing, colour in COLOURS.items()
    ] * 48
    outcome = tune(chat_llama, write(tmp_path / "rows.jsonl", rows), tmp_path / "run")
    asked = predict_run(load_run(outcome.directory.path), list(COLOURS))
    assert asked.table["prediction"][:] == list(COLOURS.values())
    again = predict_run(load_run(outcome.directory.path), write(tmp_path / "asked.jsonl", rows[:4]))
    assert again.table["prediction"][:] == list(COLOURS.values())


def test_conversations_need_a_chat_template(llama, tmp_path):
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    with pytest.raises(PlanError, match=r"^data.columns.messages: this tokenizer has no chat template; use "):
        tune(llama, write(tmp_path / "rows.jsonl", [row] * 4), tmp_path / "run")


def test_rows_of_which_nothing_can_be_learnt_are_refused(llama, tmp_path):
    rows = [{"prompt": "a" * 80, "completion": "b"}] * 4
    with pytest.raises(DataError, match=r"^train: expected rows of which a token can be learnt, found none in 4$"):
        tune(llama, write(tmp_path / "rows.jsonl", rows), tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data.packing": True}, "data.packing can't take effect: set task.type: text-generation"),
        ({"data.columns.prompt": "a"}, "data.columns.prompt can't take effect: set task.type: text-generation"),
        (
            {"task.type": "text-generation", "data.columns.weight": "a"},
            "weight can't take effect: a language model's loss",
        ),
        ({"task.type": "text-generation", "data.columns.label": "a"}, "data.columns.label can't take effect: "),
    ],
)
def test_settings_of_other_tasks_are_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        Recipe.load("smoke", settings)


def test_an_unknown_metric_names_the_nearest(llama, tmp_path):
    with pytest.raises(RecipeError, match=r"perplexty is no metric of a language model .* Did you mean perplexity\?$"):
        train(smoke(tmp_path / "run", {**as_language_model(llama), "task.metrics": ["perplexty"]}))


def as_language_model(llama: str) -> dict[str, Any]:
    return {"task.type": "text-generation", "model.name": llama, "training.metric_for_best_model": "perplexity"}


@pytest.mark.parametrize("packing", [True, False])
def test_it_resumes_bit_for_bit(packing, llama, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    settings = {
        **as_language_model(llama),
        "data.packing": packing,
        "training.num_train_epochs": 1,
        "training.save_strategy": "steps",
        "training.save_steps": 2,
    }
    whole = smoke(tmp_path / "whole", settings)
    expected = train(whole)
    cut = smoke(tmp_path / "cut", settings)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=5)
    resumed = train(cut)
    assert resumed.resumed_from_step == 4
    assert resumed.metrics == expected.metrics
    assert losses(resumed)[-1] == losses(expected)[-1]
    for tensor, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[tensor], values, err_msg=tensor)
