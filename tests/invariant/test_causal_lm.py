"""Language models: rows are next tokens of ragged sequences, alone or packed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from hf_efficient.data.documents import Documents
from hf_efficient.losses import next_token
from hf_efficient.recipe.task import Generation
from hf_efficient.tasks.causal_lm import METRICS, CausalLM
from hf_efficient.training.trainer import EfficientTrainer
from tests.processes import run_processes
from tests.splits import TOLERANCE, assert_splits_agree_on_all, trajectories
from tests.tiny_language_models import LANGUAGE_MODELS, LanguageCase
from tests.trajectory import arguments, train

ROWS = 13
CASES = [LanguageCase(model, packing) for model in LANGUAGE_MODELS for packing in (True, False)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_and_gradient_do_not_depend_on_the_split(smoothing, tmp_path):
    """Of a bare trainer, which knows the head by the name of its class."""
    cases = CASES if not smoothing else CASES[:1]
    found = trajectories("efficient", cases, str(tmp_path), label_smoothing_factor=smoothing)
    assert_splits_agree_on_all(found, cases)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("case", [*CASES, LanguageCase("gpt2", dropout=0.1)], ids=str)
def test_losses_and_gradient_norms_are_the_stock_trainers(case, smoothing, tmp_path):
    settings = {
        "per_device_train_batch_size": 4,
        "max_steps": 8 if not smoothing else 3,
        "max_grad_norm": 1.0,
        "label_smoothing_factor": smoothing,
    }
    stock, _ = train("stock", case, 40, str(tmp_path), settings)
    ours, _ = train("efficient", case, 40, str(tmp_path), settings)
    for step, expected in zip(ours, stock, strict=True):
        assert step == pytest.approx(expected, rel=1e-5)


def test_the_head_and_the_task_have_the_same_loss(tmp_path):
    settings = {"per_device_train_batch_size": 4, "max_steps": 3}
    by_name, _ = train("efficient", CASES[0], 24, str(tmp_path), settings)
    given, _ = train("efficient", CASES[0], 24, str(tmp_path), settings, losses=(next_token(),))
    assert by_name == given


def evaluate(case: LanguageCase, batch_size: int, output_dir: str) -> dict[str, Any]:
    task = CausalLM(Documents(text="text"), case.packing, METRICS, Generation())
    trainer = EfficientTrainer(
        model=case.make_model(),
        args=arguments(output_dir, per_device_eval_batch_size=batch_size),
        data_collator=case.collator,
        losses=(task.loss(),),
        compute_metrics=task.compute_metrics,
        preprocess_logits_for_metrics=task.preprocess_logits_for_metrics,
    )
    return trainer.evaluate(case.rows(ROWS))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_metrics_are_of_all_tokens_on_one_process_and_two(case, tmp_path):
    model, batch = case.make_model().eval(), case.collator(case.rows(ROWS))
    with torch.no_grad():
        outputs = model(**batch, use_cache=False)
    targets = batch["labels"][:, 1:]
    right = (outputs.logits[:, :-1].argmax(-1) == targets)[targets != -100].float().mean()
    found = [evaluate(case, size, str(tmp_path)) for size in (1, 5)]
    found += run_processes(2, evaluate, case, 4, str(tmp_path))
    for metrics in found:
        assert metrics["eval_loss"] == pytest.approx(float(outputs.loss), rel=1e-5)
        assert metrics["eval_perplexity"] == pytest.approx(math.exp(outputs.loss), rel=1e-5)
        assert metrics["eval_token_accuracy"] == pytest.approx(float(right), rel=1e-6)


def test_the_stock_trainer_counts_the_tokens_of_language_models_too(tmp_path):
    """Of Llama and GPT-2 the loss takes the step's count: docs/design.md §4.1 is about encoders."""
    found = trajectories("stock", [LanguageCase("llama")], str(tmp_path))
    assert found["2x4"][0][0] == pytest.approx(found["8x1"][0][0], rel=TOLERANCE)
