"""Adapters on every task that peft offers them for: a run trains, and scores the same when it is loaded again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_efficient.training.finetune import finetune
from hf_efficient.training.score import evaluate_run, load_run
from tests.integration.command_line import write_rows
from tests.tiny_writers import save_llama

pytestmark = pytest.mark.usefixtures("shared_cache")

METHODS = {
    "lora": {"method": "lora", "r": 4},
    "prompt_tuning": {"method": "prompt_tuning", "num_virtual_tokens": 4},
    "prefix_tuning": {"method": "prefix_tuning", "num_virtual_tokens": 4},
}


def tokens(home):
    rows = [{"words": ["stir", "the", "soup"], "tags": ["O", "O", "B-DISH"]}, {"words": ["hoist"], "tags": ["O"]}] * 12
    return {
        "task": "token-classification",
        "model": {"name": "demo/tiny-bert", "initialization": "random"},
        "data": {"train": str(write_rows(home / "tags.jsonl", rows)), "validation_size": 0.3},
    }


def texts(home):
    path = str(write_rows(home / "texts.jsonl", [{"text": "the sky is blue"}, {"text": "coal is black"}] * 8))
    return {
        "task": "text-generation",
        "model": {"name": str(save_llama(home / "llama"))},
        "data": {"train": path, "validation": path, "packing": False},
    }


def words_backwards(home):
    path = str(
        write_rows(home / "words.jsonl", [{"text": "boat", "target": "taob"}, {"text": "sea", "target": "aes"}] * 6)
    )
    return {
        "task": {"type": "text2text-generation", "generation": {"max_new_tokens": 8}},
        "model": {"name": "demo/tiny-t5", "initialization": "random"},
        "data": {"train": path, "validation": path, "max_length": 16},
    }


TASKS = {"tokens": tokens, "texts": texts, "words": words_backwards}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", TASKS)
def test_a_run_scores_the_same_when_it_is_loaded_again(task, method, home, tmp_path):
    training = {"output_dir": str(tmp_path / "run"), "max_steps": 4, "precision": "fp32", "save_strategy": "no"}
    outcome = finetune({**TASKS[task](home), "peft": METHODS[method], "training": training})
    found = evaluate_run(load_run(tmp_path / "run"), split="validation").metrics
    assert np.isfinite(found["loss"])
    assert found == pytest.approx(dict(outcome.metrics), rel=1e-4)
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["adapter"]["merged"] is (method == "lora")
    assert report["model"]["trainable_parameters"] < report["model"]["parameters"]
