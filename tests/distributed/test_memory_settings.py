"""Settings that save memory or compile, on two processes."""

from __future__ import annotations

import pytest

from tests.processes import run_processes
from tests.tiny import Case
from tests.trajectory import train

SETTINGS = (
    {},
    {"activation_checkpointing": True},
    {"activation_checkpointing": True, "activation_checkpointing_kwargs": {"use_reentrant": True}},
    {"torch_compile": True, "torch_compile_backend": "eager"},
)


def trajectories(folder):
    """Loss and gradient norm of each step, for each of the settings."""
    common = {"per_device_train_batch_size": 4, "max_steps": 2, "ddp_find_unused_parameters": False}
    case = Case("bert", "single_label_classification")
    return [train("efficient", case, 16, folder, {**common, **settings})[0] for settings in SETTINGS]


def test_two_processes_take_the_same_steps_with_each(tmp_path):
    plain, *others = run_processes(2, trajectories, str(tmp_path))[0]
    for found in others:
        for step, expected in zip(found, plain, strict=True):
            assert step == pytest.approx(expected, rel=1e-5)
