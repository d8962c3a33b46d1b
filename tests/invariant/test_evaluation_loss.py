"""`eval_loss` is the global sum over the global count, whatever the batches and the processes."""

from __future__ import annotations

import pytest
import torch
from transformers import default_data_collator

from hf_efficient.training.trainer import EfficientTrainer
from tests.processes import run_processes
from tests.tiny import PROBLEMS, Case, TokenCase
from tests.trajectory import arguments

ROWS = 13


def evaluate(case: Case | TokenCase, batch_size: int, output_dir: str) -> dict[str, float]:
    args = arguments(output_dir, per_device_eval_batch_size=batch_size)
    trainer = EfficientTrainer(model=case.make_model(), args=args, data_collator=case.collator)
    return trainer.evaluate(case.rows(ROWS))


def expected(case: Case | TokenCase) -> float:
    """The model's own mean loss over all rows in one batch."""
    rows = case.rows(ROWS)
    batch = (case.collator or default_data_collator)(rows)
    return float(case.make_model().eval()(**batch).loss.detach())


@pytest.mark.parametrize("problem", PROBLEMS)
def test_it_is_the_mean_over_rows_in_ragged_batches(problem, tmp_path):
    case = Case("bert", problem)
    for batch_size in (1, 5, 13):
        assert evaluate(case, batch_size, str(tmp_path))["eval_loss"] == pytest.approx(expected(case), rel=1e-6)


def test_rows_that_two_processes_repeat_count_once(tmp_path):
    case = Case("bert", "single_label_classification")
    for metrics in run_processes(2, evaluate, case, 4, str(tmp_path)):
        assert metrics["eval_loss"] == pytest.approx(expected(case), rel=1e-6)


def test_rows_without_a_label_do_not_count(tmp_path):
    case = Case("bert", "single_label_classification")
    rows = case.rows(ROWS)
    for row in rows[::2]:
        row["labels"] = -100
    args = arguments(str(tmp_path), per_device_eval_batch_size=4)
    loss = EfficientTrainer(model=case.make_model(), args=args).evaluate(rows)["eval_loss"]
    labelled = [row for row in rows if row["labels"] != -100]
    batch = {key: torch.stack([torch.as_tensor(row[key]) for row in labelled]) for key in labelled[0]}
    assert loss == pytest.approx(float(case.make_model().eval()(**batch).loss.detach()), rel=1e-6)


def test_tokens_of_padded_rows_count_once_on_two_processes(tmp_path):
    case = TokenCase("bert")
    for batch_size in (1, 5):
        assert evaluate(case, batch_size, str(tmp_path))["eval_loss"] == pytest.approx(expected(case), rel=1e-6)
    for metrics in run_processes(2, evaluate, case, 4, str(tmp_path)):
        assert metrics["eval_loss"] == pytest.approx(expected(case), rel=1e-6)
