"""Objects from Python: a model brings its labels, a directory is held, a section is laid over key by key."""

from __future__ import annotations

import datasets
import pytest
import torch
from filelock import FileLock
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from hf_efficient import finetune
from hf_efficient.assets import resolve
from hf_efficient.errors import PlanError, RunDirectoryError
from hf_efficient.recipe import Recipe

WORDS = {"training": {"num_train_epochs": 1, "per_device_train_batch_size": 8, "precision": "fp32"}}


def model(num_labels=2, **settings):
    config = BertConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    config.update({"num_labels": num_labels, **settings})
    torch.manual_seed(0)
    return BertForSequenceClassification(config)


def train(folder, model):
    rows = datasets.Dataset.from_dict({"text": ["a soup", "a sail"] * 20, "label": ["cooking", "sailing"] * 20})
    words = {**WORDS, "training": {**WORDS["training"], "output_dir": str(folder)}}
    tokenizer = AutoTokenizer.from_pretrained(resolve("demo/tiny-bert"))
    return finetune(words, model=model, train_dataset=rows, processing_class=tokenizer)


def test_a_model_without_names_gets_those_of_the_data(tmp_path):
    train(tmp_path / "run", model())
    saved = BertForSequenceClassification.from_pretrained(tmp_path / "run" / "model")
    assert saved.config.id2label == {0: "cooking", 1: "sailing"}
    assert saved.config.problem_type == "single_label_classification"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: model(3), "model= has 3 labels, the data has 2"),
        (
            lambda: model(id2label={0: "sailing", 1: "cooking"}),
            "model= has the labels sailing, cooking, and the data cooking, sailing",
        ),
        (lambda: model().half(), r"weights in torch\.float16; pass model\.float\(\)"),
    ],
)
def test_a_model_that_does_not_fit_the_data_is_refused(made, message, tmp_path):
    with pytest.raises(PlanError, match=message):
        train(tmp_path / "run", made())


def test_a_directory_in_which_another_process_runs_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    with (
        FileLock(tmp_path / "run" / ".lock"),
        pytest.raises(RunDirectoryError, match="another process is running there"),
    ):
        finetune("smoke", {"training.output_dir": str(tmp_path / "run")})


def test_a_section_is_laid_over_key_by_key():
    recipe = Recipe.load("smoke", {"training": {"learning_rate": 1e-3}})
    assert recipe.training.learning_rate == 1e-3
    assert recipe.training.num_train_epochs == 10
    assert recipe.training.output_dir == "runs/smoke"


def test_the_test_score_stays_out_of_the_history(tmp_path):
    table = "text,label\n" + "\n".join(f"a {w} {i},{w}" for i in range(12) for w in ("soup", "sail"))
    (tmp_path / "rows.csv").write_text(table)
    outcome = finetune(
        "smoke",
        {
            "data": {"name": None, "train": str(tmp_path / "rows.csv"), "test": str(tmp_path / "rows.csv")},
            "training": {"num_train_epochs": 1, "output_dir": str(tmp_path / "run")},
        },
    )
    assert set(outcome.report["metrics"]) == {"validation", "test"}
    assert outcome.report["metrics"]["test"]["accuracy"] is not None
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert log.count("eval_accuracy") == 1
    assert "test_accuracy" not in log


def test_a_model_that_is_loaded_already_is_not_cut_over_processes(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a soup", "a sail"] * 4, "label": ["cooking", "sailing"] * 4})
    words = {"model": {"name": "mine", "distributed_config": {"fsdp_size": 2}}, "training": {"save_strategy": "no"}}
    with pytest.raises(PlanError, match=r"model\.distributed_config can't cut model="):
        finetune(
            {**words, "training": {**words["training"], "output_dir": str(tmp_path)}}, model=model(), train_dataset=rows
        )
