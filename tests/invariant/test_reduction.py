"""However a global batch is split over accumulation steps and processes, loss and gradient are the same."""

from __future__ import annotations

import pytest

from tests.splits import SPLITS, TOLERANCE, assert_splits_agree_on_all, trajectories
from tests.tiny import MODELS, PROBLEMS, Case, TokenCase

BF16_ROUNDING = 2**-8
CASES = [
    *(Case(model, problem) for model in MODELS for problem in PROBLEMS),
    *(TokenCase(model) for model in MODELS if model != "vit"),
]


def test_loss_and_gradient_do_not_depend_on_the_split(tmp_path):
    found = trajectories("efficient", CASES, str(tmp_path))
    assert_splits_agree_on_all(found, CASES)


def test_bf16_autocast_does_not_depend_on_the_split_either(tmp_path):
    """The forward pass of a row is the same in any batch; a weight's gradient is rounded to bf16 once a micro-batch."""
    cases = [Case("bert", problem) for problem in PROBLEMS]
    found = trajectories("efficient", cases, str(tmp_path), bf16=True)
    for index, case in enumerate(cases):
        loss, norm = found["8x1"][index][0]
        for split in SPLITS:
            other_loss, other_norm = found[split][index][0]
            assert other_loss == pytest.approx(loss, rel=TOLERANCE), (case, split)
            assert other_norm == pytest.approx(norm, rel=BF16_ROUNDING), (case, split)
            assert found[split][index][-1][0] == pytest.approx(found["8x1"][index][-1][0], rel=1e-3), (case, split)


def test_the_stock_trainer_still_depends_on_the_split(tmp_path):
    """transformers issue 47688. When this fails upstream has mended it: docs/design.md §4.1 can be shortened."""
    case = Case("bert", "single_label_classification")
    found = trajectories("stock", [case], str(tmp_path))
    first = {split: found[split][0][0] for split in SPLITS}
    assert first["2x4"][0] == pytest.approx(4 * first["8x1"][0], rel=1e-3)
    assert first["2 processes 1x4"][0] == pytest.approx(8 * first["8x1"][0], rel=1e-3)
    assert first["2 processes 1x4"][1] == pytest.approx(8 * first["8x1"][1], rel=1e-3)
