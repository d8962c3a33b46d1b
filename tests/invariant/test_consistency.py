"""Views of unlabelled rows are one more term of the loss: exact however a batch is split, and the model runs twice."""

from __future__ import annotations

import pytest
import torch

from hf_efficient.losses import supervised
from hf_efficient.losses.consistency import Consistency
from tests.splits import MOST_APART, assert_splits_agree, train_split, under_splits
from tests.tiny import Case
from tests.trajectory import Steps

CASE = Case("bert", "single_label_classification")


class WithViews(Case):
    """Rows of which every third is labelled, and the others have views."""

    def rows(self, count):
        rows, views = super().rows(count), super().rows(2 * count)[count:]
        for number, (row, view) in enumerate(zip(rows, views, strict=True)):
            row["of_view_input_ids"] = view["input_ids"]
            row["of_view_attention_mask"] = view["attention_mask"] * (number % 3 > 0)
            row["sample_weight"] = float(number % 3 == 0)
        return rows


def steps(split: str, output_dir: str, weight: float = 2.0) -> tuple[Steps, float]:
    model = CASE.make_model()
    losses = [supervised("single_label_classification"), Consistency(model, 0.0, 0.5, weight)]
    case = WithViews("bert", "single_label_classification")
    settings = {"remove_unused_columns": False}  # rows in a list name none to keep
    found = train_split(split, case, output_dir, settings=settings, losses=losses, model=model)
    return found, torch.stack([weight.detach().sum() for weight in model.parameters()]).sum().item()


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory):
    return under_splits(steps, str(tmp_path_factory.mktemp("runs")), splits=MOST_APART)


def test_loss_and_gradient_do_not_depend_on_the_split(trajectories):
    assert_splits_agree({split: found for split, (found, _) in trajectories.items()})
    for split, (_, weights) in trajectories.items():
        assert weights == pytest.approx(trajectories["8x1"][1], rel=1e-5), split


def test_views_change_the_run(trajectories, tmp_path):
    without, with_views = (
        [loss for loss, _ in found] for found in (steps("8x1", str(tmp_path), weight=0.0)[0], trajectories["8x1"][0])
    )
    assert without != pytest.approx(with_views)
