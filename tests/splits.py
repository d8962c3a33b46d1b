"""Three steps of 8 rows, however each is split over micro-batches and processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from tests.processes import run_processes
from tests.trajectory import Steps, train

SPLITS = {"8x1": (1, 8, 1), "2x4": (1, 2, 4), "2 processes 4x1": (2, 4, 1), "2 processes 1x4": (2, 1, 4)}
"""World size, micro-batch, accumulation."""
MOST_APART = ("8x1", "2x4", "2 processes 1x4")
TOLERANCE = 1e-5


def train_split(
    split: str,
    case: Any,
    output_dir: str,
    trainer_class: str = "efficient",
    *,
    settings: Mapping[str, Any] | None = None,
    **doors: Any,
) -> Steps:
    """Loss and gradient norm of each step; runs in each process of the split's group."""
    world_size, batch, accumulation = SPLITS[split]
    sizes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "max_steps": 3}
    steps, seen = train(trainer_class, case, 24, output_dir, {**sizes, **(settings or {})}, **doors)
    assert seen == world_size
    return steps


def under_splits(function: Callable[..., Any], *arguments: Any, splits: Iterable[str] = SPLITS) -> dict[str, Any]:
    """What `function(split, *arguments)` gives for each split, in the first process of its group."""
    return {split: run_processes(SPLITS[split][0], function, split, *arguments)[0] for split in splits}


def train_cases(
    split: str, cases: Sequence[Any], output_dir: str, trainer_class: str, settings: dict[str, Any]
) -> list[Steps]:
    """The steps of each case."""
    return [train_split(split, case, output_dir, trainer_class, settings=settings) for case in cases]


def trajectories(
    trainer_class: str, cases: Sequence[Any], output_dir: str, **settings: object
) -> dict[str, list[Steps]]:
    """By split, the steps of each case."""
    return under_splits(train_cases, cases, output_dir, trainer_class, settings)


def assert_splits_agree(found: Mapping[str, Steps], case: object = None, tolerance: float = TOLERANCE) -> None:
    """Every split gives the loss and the gradient norm of the whole steps."""
    whole = found["8x1"]
    assert len(whole) >= 3
    for split, steps in found.items():
        for step, expected in zip(steps, whole, strict=True):
            assert step == pytest.approx(expected, rel=tolerance), (case, split)


def assert_splits_agree_on_all(found: Mapping[str, list[Steps]], cases: Sequence[object]) -> None:
    """Every split gives each case the loss and the gradient norm of the whole steps."""
    for number, case in enumerate(cases):
        assert_splits_agree({split: of_all[number] for split, of_all in found.items()}, case)
