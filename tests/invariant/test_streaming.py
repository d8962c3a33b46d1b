"""Streamed rows: the same steps however they are split and wherever they are encoded, and the same after a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_efficient.recipe import Recipe
from tests.integration.command_line import CLASSES, sentences, write_rows
from tests.processes import run_processes
from tests.runs import CutOffError, losses, train, weights

ROWS = 29
"""A prime number: steps of 8 rows and blocks of 10 end within epochs."""
STEADY = {"model.config.hidden_dropout_prob": 0.0, "model.config.attention_probs_dropout_prob": 0.0}


def streamed(folder: Path, name: str, settings: dict[str, Any]) -> Recipe:
    """A recipe of 12 steps of 8 rows, more than three epochs, over the two files in a folder."""
    return Recipe.from_mapping(
        {
            "task": {"type": "text-classification", "labels": list(CLASSES)},
            "model": {"name": "demo/tiny-bert", "initialization": "random"},
            "data": {"name": str(folder / "data"), "streaming": True, "shuffle_buffer": 10},
            "training": {
                "output_dir": str(folder / name),
                "per_device_train_batch_size": 8,
                "max_steps": 12,
                "logging_steps": 1,
                "learning_rate": 1e-3,
                "eval_strategy": "no",
                "save_steps": 2,
                "precision": "fp32",
            },
        },
        settings,
    )


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder whose `data` holds 29 training rows in two files."""
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    rows = [{**row, "text": f"{row['text']} {'la ' * (number % 7)}"} for number, row in enumerate(sentences(ROWS))]
    write_rows(tmp_path / "data" / "train-00000-of-00002.jsonl", rows[:17])
    write_rows(tmp_path / "data" / "train-00001-of-00002.jsonl", rows[17:])
    return tmp_path


def trajectory(folder: Path, name: str, settings: dict[str, Any]) -> list[tuple[float, float]]:
    """Loss and gradient norm of each step."""
    trained = train(streamed(folder, name, {**STEADY, **settings}))
    return [(log["loss"], log["grad_norm"]) for log in trained.history if "loss" in log]


def split(micro_batch: int, accumulation: int) -> dict[str, Any]:
    """Settings of a step of 8 rows on some number of processes."""
    return {
        "training.per_device_train_batch_size": micro_batch,
        "training.gradient_accumulation_steps": accumulation,
    }


@pytest.mark.parametrize("padding", ["dynamic", "bucketed"])
def test_the_same_steps_however_they_are_split(padding, folder):
    grouping = {"batching.padding": padding}
    whole = trajectory(folder, "whole", grouping)
    assert len(whole) == 12
    found = {
        "2x4": trajectory(folder, "accumulated", grouping | split(2, 4)),
        "2 workers": trajectory(folder, "workers", grouping | {"training.dataloader_num_workers": 2}),
    }
    found["2 processes 2x2"], other = run_processes(2, trajectory, folder, "processes", grouping | split(2, 2))
    assert other == found["2 processes 2x2"]
    for name, steps in found.items():
        for step, expected in zip(steps, whole, strict=True):
            assert step == pytest.approx(expected, rel=1e-4), name


def resume(folder: Path, name: str, settings: dict[str, Any], at: int) -> list[float]:
    """Losses after a run was cut off and gone on with."""
    recipe = streamed(folder, name, settings)
    with pytest.raises(CutOffError):
        train(recipe, interrupt_at=at)
    resumed = train(recipe)
    assert resumed.resumed_from_step == at // 2 * 2
    return losses(resumed)


@pytest.mark.parametrize(
    ("world_size", "settings", "at"),
    [
        (1, {"batching.padding": "dynamic"}, 3),
        (1, {"batching.padding": "dynamic"}, 9),
        (1, {"training.dataloader_num_workers": 2, **split(4, 2)}, 9),
        (2, split(2, 2), 9),
    ],
)
def test_a_resumed_run_is_bit_identical(world_size, settings, at, folder):
    """Within the first epoch and within a later one; dropout is on."""
    whole = streamed(folder, "whole", settings)
    if world_size == 1:
        expected, found = run_losses(folder, "whole", settings), resume(folder, "cut", settings, at)
    else:
        [expected, _] = run_processes(world_size, run_losses, folder, "whole", settings)
        [found, _] = run_processes(world_size, resume, folder, "cut", settings, at)
    assert found == expected
    for tensor, values in weights(whole).items():
        np.testing.assert_array_equal(weights(streamed(folder, "cut", settings))[tensor], values, err_msg=tensor)


def run_losses(folder: Path, name: str, settings: dict[str, Any]) -> list[float]:
    """Losses of a whole run."""
    return losses(train(streamed(folder, name, settings)))
