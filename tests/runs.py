"""Runs of `configs/smoke.yaml`, whole and interrupted."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from transformers import TrainerCallback

from hf_efficient.models.processes import on_main_process
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.batch_fit import divide_steps
from hf_efficient.training.build import build
from hf_efficient.training.run import Trained, run
from hf_efficient.training.run_directory import RunDirectory, open_run

TEACHER = "{teacher}"

SHORT = {"training.num_train_epochs": 3, "training.logging_steps": 1, "training.learning_rate": 1e-3}
"""18 steps of 8 rows, in three epochs."""
_EPOCHS = "training.num_train_epochs"


class CutOffError(Exception):
    """What a run ends with when it is cut off."""


class Interrupt(TrainerCallback):
    """Cuts a run off after a number of steps, as a kill would: nothing is saved on the way out."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise CutOffError


def smoke(output_dir: Path, settings: dict[str, Any]) -> Recipe:
    """The smoke recipe, short, with settings laid over it; `TEACHER` stands for a fine-tuned model."""
    given = {key: teacher() if value == TEACHER else value for key, value in settings.items()}
    short = {key: value for key, value in SHORT.items() if key != _EPOCHS or "training.max_steps" not in settings}
    return Recipe.load("smoke", {**short, "training.output_dir": str(output_dir), **given})


@cache
def teacher() -> str:
    """A run directory with a finished run of the smoke recipe."""
    folder = Path(tempfile.mkdtemp(prefix="teacher-")) / "run"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    train(smoke(folder, {"training.num_train_epochs": 1, "training.save_strategy": "no"}))
    return str(folder)


def train(recipe: Recipe, interrupt_at: int | None = None) -> Trained:
    """Train as `finetune` does; with `interrupt_at`, until that step."""
    directory = RunDirectory.of(recipe)
    args, _, scheduler = training_arguments(recipe, directory)
    opening = on_main_process(lambda: open_run(directory, recipe))
    plan = divide_steps(recipe, build(recipe, args, scheduler), directory)
    if interrupt_at is not None:
        plan = plan.with_callback(Interrupt(interrupt_at))
    return run(plan, directory, opening)


def weights(recipe: Recipe) -> dict[str, np.ndarray]:
    """The weights that a run saved: of its model, and of its adapter if it has one."""
    run = RunDirectory.of(recipe)
    files = (run.model / "model.safetensors", run.base / "model.safetensors", run.adapter / "adapter_model.safetensors")
    return {f"{file.parent.name}.{name}": w for file in files if file.is_file() for name, w in load_file(file).items()}


def losses(trained: Trained) -> list[float]:
    """Training loss of every step."""
    return [log["loss"] for log in trained.history if "loss" in log]
