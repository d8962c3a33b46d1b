"""Language models that learn from a teacher: its whole distribution, or its likeliest tokens, kept on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from hf_efficient.errors import PlanError
from hf_efficient.recipe import Recipe
from tests.runs import CutOffError, losses, train, weights
from tests.tiny_writers import save_llama

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def teacher(llama, tmp_path_factory):
    """The same model with weights so large that it is sure of what it says."""
    folder = tmp_path_factory.mktemp("teacher")
    for path in Path(llama).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    model = AutoModelForCausalLM.from_pretrained(llama)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)
    model.save_pretrained(folder)
    return str(folder)


ROWS = {
    "packed": [{"text": f"number {n} of the texts" + " and on" * (n % 3)} for n in range(24)],
    "completions": [{"prompt": f"{n}+1=", "completion": str(n + 1)} for n in range(24)],
}


def recipe(tmp_path: Path, model: str, kind: str, name: str, distill: dict[str, Any], **training: Any) -> Recipe:
    rows = tmp_path / f"{kind}.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS[kind]))
    steady = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "precision": "fp32", "logging_steps": 1}
    return Recipe.from_mapping(
        {
            "task": {"type": "text-generation"},
            "model": {"name": model},
            "data": {"train": str(rows), "validation": str(rows)},
            "distill": distill,
            "training": {"output_dir": str(tmp_path / name), **steady, **training},
        }
    )


@pytest.mark.parametrize(
    ("kind", "divergence"),
    [("packed", "forward_kl"), ("packed", "jensen_shannon"), ("completions", "reverse_kl")],
)
def test_kept_tokens_give_the_losses_of_a_teacher_that_is_asked(kind, divergence, llama, teacher, tmp_path):
    wish = {"teacher": teacher, "top_k": 8, "divergence": divergence}
    kept, asked = (
        losses(train(recipe(tmp_path, llama, kind, f"cache-{cache}", {**wish, "cache": cache})))
        for cache in (True, False)
    )
    assert kept == pytest.approx(asked, rel=1e-5)
    assert list((tmp_path / "cache").rglob("teachers/*/*.npy"))


def test_all_tokens_but_one_say_what_the_whole_distribution_says(llama, teacher, tmp_path):
    """258 of 259; the tail is the last one."""
    whole = losses(train(recipe(tmp_path, llama, "completions", "whole", {"teacher": teacher})))
    most = losses(train(recipe(tmp_path, llama, "completions", "most", {"teacher": teacher, "top_k": 258})))
    assert most == pytest.approx(whole, rel=1e-4)


def test_it_goes_on_after_a_cut_bit_for_bit(llama, teacher, tmp_path):
    wish = {"teacher": teacher, "top_k": 8}
    saves = {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "no"}
    whole, cut = (recipe(tmp_path, llama, "packed", name, wish, **saves) for name in ("whole", "cut"))
    expected = train(whole)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=3)
    assert train(cut).steps == expected.steps
    for name, values in weights(whole).items():
        assert (weights(cut)[name] == values).all(), name


def test_more_tokens_than_there_are_is_refused(llama, teacher, tmp_path):
    with pytest.raises(PlanError, match=r"distill\.top_k: expected fewer than the 259 tokens of the vocabulary"):
        train(recipe(tmp_path, llama, "packed", "run", {"teacher": teacher, "top_k": 259}))


def test_a_whole_distribution_is_not_kept(llama, teacher, tmp_path):
    with pytest.raises(PlanError, match=r"too large to keep without distill\.top_k"):
        train(recipe(tmp_path, llama, "packed", "run", {"teacher": teacher, "cache": True}))


@pytest.mark.parametrize("cache", [True, False])
def test_sequence_to_sequence(cache, tmp_path):
    settings = {"data.limit": 64, "training.num_train_epochs": 2, "training.logging_steps": 1, "data.max_length": 16}
    quick = {**settings, "task.generation.max_new_tokens": 4, "training.eval_strategy": "epoch"}
    first = Recipe.load("reverse-words", {**quick, "training.output_dir": str(tmp_path / "teacher")})
    train(first)
    wish = {"distill.teacher": str(tmp_path / "teacher"), "distill.top_k": 8, "distill.cache": cache}
    trained = train(Recipe.load("reverse-words", {**quick, **wish, "training.output_dir": str(tmp_path / "run")}))
    whole = {"distill.teacher": str(tmp_path / "teacher")}
    full = train(Recipe.load("reverse-words", {**quick, **whole, "training.output_dir": str(tmp_path / "full")}))
    assert losses(trained) == pytest.approx(losses(full), rel=0.05)
