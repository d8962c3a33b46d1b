"""Views of unlabelled rows are one more term of the loss: exact however a batch is split, and the model runs twice."""

from __future__ import annotations

import pytest
import torch

from hf_efficient.losses import supervised
from hf_efficient.losses.consistency import Consistency
from tests.processes import run_processes
from tests.tiny import Case
from tests.trajectory import train

SPLITS = {"8x1": (1, 8, 1), "2x4": (1, 2, 4), "2 processes 1x4": (2, 1, 4)}
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


def steps(output_dir: str, split: str, weight: float = 2.0) -> tuple[list, float]:
    world_size, batch, accumulation = SPLITS[split]
    settings = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "max_steps": 3,
        "remove_unused_columns": False,  # rows in a list name none to keep
    }
    model = CASE.make_model()
    losses = [supervised("single_label_classification"), Consistency(model, 0.0, 0.5, weight)]
    case = WithViews("bert", "single_label_classification")
    found, seen = train("efficient", case, 24, output_dir, settings, losses=losses, model=model)
    assert seen == world_size
    return found, torch.stack([weight.detach().sum() for weight in model.parameters()]).sum().item()


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory):
    return {
        split: run_processes(world_size, steps, str(tmp_path_factory.mktemp("runs")), split)[0]
        for split, (world_size, _, _) in SPLITS.items()
    }


def test_loss_and_gradient_do_not_depend_on_the_split(trajectories):
    whole, weights = trajectories["8x1"]
    assert len(whole) == 3
    for split in SPLITS:
        found, ended = trajectories[split]
        assert ended == pytest.approx(weights, rel=1e-5), split
        for step, expected in zip(found, whole, strict=True):
            assert step == pytest.approx(expected, rel=1e-5), split


def test_views_change_the_run(trajectories, tmp_path):
    without, with_views = (
        [loss for loss, _ in found] for found in (steps(str(tmp_path), "8x1", weight=0.0)[0], trajectories["8x1"][0])
    )
    assert without != pytest.approx(with_views)
