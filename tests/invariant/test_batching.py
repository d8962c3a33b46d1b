"""Batches grouped by length: the same steps however they are split, and evaluation in the caller's order."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest
from transformers import BertConfig, BertForSequenceClassification, DataCollatorWithPadding

from hf_efficient import Batching, EfficientTrainer
from tests.processes import run_processes
from tests.runs import losses, smoke, train
from tests.trajectory import arguments

pytestmark = pytest.mark.usefixtures("own_cache")

STEADY = {
    "model.config.hidden_dropout_prob": 0.0,
    "model.config.attention_probs_dropout_prob": 0.0,
    "training.num_train_epochs": 2,
    "data.limit": 45,
}
"""45 rows: the last step of an epoch has 5, whatever the split."""


def trajectory(folder: str, micro_batch: int, accumulation: int, padding: str) -> list[tuple[float, float]]:
    """Loss and gradient norm of each step."""
    settings = {
        **STEADY,
        "training.per_device_train_batch_size": micro_batch,
        "training.gradient_accumulation_steps": accumulation,
        "batching.padding": padding,
    }
    trained = train(smoke(Path(folder), settings))
    return [(log["loss"], log["grad_norm"]) for log in trained.history if "loss" in log]


def test_ragged_rows_give_the_same_steps_however_they_are_split(tmp_path):
    whole = trajectory(str(tmp_path / "whole"), 8, 1, "bucketed")
    assert len(whole) == 12
    found = {"2x4": trajectory(str(tmp_path / "accumulated"), 2, 4, "bucketed")}
    for name, split in {"2 processes 4x1": (4, 1), "2 processes 1x4": (1, 4)}.items():
        found[name], other = run_processes(2, trajectory, str(tmp_path / name), *split, "bucketed")
        assert other == found[name]
    for name, steps in found.items():
        for step, expected in zip(steps, whole, strict=True):
            assert step == pytest.approx(expected, rel=1e-4), name
    other = trajectory(str(tmp_path / "dynamic"), 8, 1, "dynamic")
    assert [norm for _, norm in whole] != pytest.approx([norm for _, norm in other], rel=1e-3)


def test_a_token_budget_trains_on_every_row_of_an_epoch(tmp_path):
    settings = {**STEADY, "batching.padding": "tokens", "batching.max_tokens": 64}
    trained = train(smoke(tmp_path / "run", settings))
    assert trained.epochs == 2.0
    assert np.isfinite(losses(trained)).all()


def rows(count: int) -> datasets.Dataset:
    generator = np.random.default_rng(0)
    ids = [generator.integers(4, 40, generator.integers(2, 14)).tolist() for _ in range(count)]
    return datasets.Dataset.from_dict(
        {"input_ids": ids, "length": [len(row) for row in ids], "labels": generator.integers(0, 3, count).tolist()}
    )


def predict(folder: str, techniques: list, batch_size: int, **settings: bool) -> tuple[np.ndarray, np.ndarray, dict]:
    """Logits, labels and metrics of a model that is the same at every call."""
    import torch
    from transformers import BertTokenizer

    torch.manual_seed(0)
    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_labels=3)
    tokenizer = BertTokenizer({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4})
    trainer = EfficientTrainer(
        model=BertForSequenceClassification(config).eval(),
        args=arguments(folder, per_device_eval_batch_size=batch_size, eval_strategy="no", **settings),
        train_dataset=rows(4),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
        techniques=techniques,
    )
    output = trainer.predict(rows(23))
    return output.predictions, output.label_ids, output.metrics


@pytest.mark.parametrize("world_size", [1, 2])
def test_evaluation_sorted_by_length_gives_the_callers_order_and_equal_metrics(world_size, tmp_path):
    plain = predict(str(tmp_path), [], 4)
    for logits, labels, metrics in run_processes(world_size, predict, str(tmp_path), [Batching()], 4):
        np.testing.assert_allclose(logits, plain[0], atol=1e-6)
        np.testing.assert_array_equal(labels, rows(23)["labels"])
        assert metrics["test_accuracy"] == plain[2]["test_accuracy"]
        assert metrics["test_loss"] == pytest.approx(plain[2]["test_loss"], rel=1e-6)


@pytest.mark.parametrize("techniques", [[], [Batching()]], ids=["as they come", "sorted"])
def test_no_row_is_left_out_of_an_evaluation(techniques, tmp_path):
    """23 rows are five batches of four and a rest, which `dataloader_drop_last` means for training alone."""
    every = predict(str(tmp_path), [], 4)
    logits, labels, metrics = predict(str(tmp_path), techniques, 4, dataloader_drop_last=True)
    np.testing.assert_allclose(logits, every[0], atol=1e-6)
    np.testing.assert_array_equal(labels, every[1])
    assert metrics["test_loss"] == pytest.approx(every[2]["test_loss"], rel=1e-6)
