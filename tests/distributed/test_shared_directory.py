"""Machines that share no disk: each process stands in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hf_efficient.errors import RunDirectoryError
from hf_efficient.training.finetune import finetune
from tests.processes import run_processes
from tests.runs import CutOffError, smoke, train


def apart(folder, settings, interrupt_at=None):
    """The files that a run leaves in this process's folder, or the error that it ends with."""
    here = Path(folder) / os.environ["RANK"]
    here.mkdir(exist_ok=True)
    os.chdir(here)
    os.environ["HF_EFFICIENT_HOME"] = str(here / "home")
    recipe = smoke(Path("run"), {"training.per_device_train_batch_size": 4, **settings})
    if interrupt_at is not None:
        with pytest.raises(CutOffError):
            train(recipe, interrupt_at)
    try:
        finetune(recipe)
    except RunDirectoryError as error:
        return str(error)
    return sorted(path.name for path in Path("run").iterdir())


def test_the_first_machine_gets_the_run(tmp_path):
    first, second = run_processes(2, apart, str(tmp_path), {"training.num_train_epochs": 1})
    assert {"model", "report.json", "recipe.yaml"} <= set(first)
    assert second == ["checkpoints"]


def test_an_adapter_that_stays_one_is_not_read_where_it_does_not_lie(tmp_path):
    prompts = {"peft.method": "prompt_tuning", "peft.num_virtual_tokens": 4, "training.num_train_epochs": 1}
    first, second = run_processes(2, apart, str(tmp_path), prompts)
    assert {"adapter", "base", "report.json"} <= set(first)
    assert second == ["checkpoints"]


@pytest.mark.parametrize(
    ("settings", "interrupt_at", "said"),
    [
        ({"training.load_best_model_at_end": True}, None, "training.load_best_model_at_end"),
        ({}, 8, "going on"),
    ],
)
def test_what_reads_checkpoints_is_refused_on_all(settings, interrupt_at, said, tmp_path):
    for error in run_processes(2, apart, str(tmp_path), settings, interrupt_at):
        assert error == (
            f"run: not every machine sees this directory of the first one, and {said} needs it; put "
            "training.output_dir on a disk that all of them share."
        )
