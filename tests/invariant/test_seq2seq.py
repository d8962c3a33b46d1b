"""Encoder-decoder models: rows are the tokens of ragged targets, and predictions are generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import EvalPrediction

from hf_efficient.training.trainer import EfficientTrainer
from tests.processes import run_processes
from tests.splits import assert_splits_agree_on_all, trajectories
from tests.tiny import SEQ2SEQ_MODELS, Seq2SeqCase
from tests.trajectory import arguments, train

ROWS = 13


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_and_gradient_do_not_depend_on_the_split(smoothing, tmp_path):
    cases = [Seq2SeqCase(model) for model in (SEQ2SEQ_MODELS if not smoothing else ["t5"])]
    found = trajectories("efficient", cases, str(tmp_path), label_smoothing_factor=smoothing)
    assert_splits_agree_on_all(found, cases)


@pytest.mark.parametrize("model", SEQ2SEQ_MODELS)
def test_losses_and_gradient_norms_are_the_stock_trainers(model, tmp_path):
    settings = {"per_device_train_batch_size": 4, "max_steps": 6, "max_grad_norm": 1.0}
    stock, _ = train("stock", Seq2SeqCase(model), 24, str(tmp_path), settings)
    ours, _ = train("efficient", Seq2SeqCase(model), 24, str(tmp_path), settings)
    for step, expected in zip(ours, stock, strict=True):
        assert step == pytest.approx(expected, rel=1e-5)


def generate(model: Any, inputs: Any) -> torch.Tensor:
    return model.generate(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=7, do_sample=False
    )


def as_metrics(prediction: EvalPrediction) -> dict[str, Any]:
    return {"generated": prediction.predictions.tolist(), "labels": prediction.label_ids.tolist()}


def evaluate(case: Seq2SeqCase, batch_size: int, output_dir: str, predict_step: Any = generate) -> dict[str, Any]:
    trainer = EfficientTrainer(
        model=case.make_model(),
        args=arguments(output_dir, per_device_eval_batch_size=batch_size),
        data_collator=case.collator,
        compute_metrics=as_metrics,
        predict_step=predict_step,
    )
    return trainer.evaluate(case.rows(ROWS))


def stripped(rows: list[list[int]]) -> list[list[int]]:
    """Ids without what pads them, on either side of 0."""
    return [[int(token) for token in row if token not in (-100, 0)] for row in rows]


@pytest.mark.parametrize("model", ["t5", "bart"])
def test_evaluation_is_the_models_own_on_one_process_and_two(model, tmp_path):
    case = Seq2SeqCase(model)
    rows, plain = case.rows(ROWS), case.make_model().eval()
    batch = case.collator(rows)
    with torch.no_grad():
        loss = float(plain(**batch).loss)
        alone = [generate(plain, case.collator([row]))[0].tolist() for row in rows]
    found = [evaluate(case, size, str(tmp_path)) for size in (5, 13)]
    found += run_processes(2, evaluate, case, 4, str(tmp_path))
    for metrics in found:
        assert metrics["eval_loss"] == pytest.approx(loss, rel=1e-6)
        assert stripped(metrics["eval_generated"]) == stripped(alone)
        assert stripped(metrics["eval_labels"]) == [row["labels"].tolist() for row in rows]


def test_nothing_is_generated_where_only_the_loss_is_wanted(tmp_path):
    def fail(model: Any, inputs: Any) -> torch.Tensor:
        raise AssertionError("generated")

    case = Seq2SeqCase("t5")
    args = arguments(str(tmp_path), per_device_eval_batch_size=4)
    trainer = EfficientTrainer(model=case.make_model(), args=args, data_collator=case.collator, predict_step=fail)
    assert np.isfinite(trainer.evaluate(case.rows(4))["eval_loss"])
    with pytest.raises(AssertionError, match="generated"):
        trainer.predict(case.rows(4))
