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
from tests.tiny_writers import save_masked_lm, save_seq2seq

TEACHER, CLASSIFIER, MASKED_LM, SEQ2SEQ = "{teacher}", "{classifier}", "{masked_lm}", "{seq2seq}"
"""In settings, these stand for tiny models that are made where they are first asked for."""

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
    """The smoke recipe, short, with settings laid over it."""
    given = {key: _MODELS[value]() if _is_model(value) else value for key, value in settings.items()}
    short = {key: value for key, value in SHORT.items() if key != _EPOCHS or "training.max_steps" not in settings}
    return Recipe.load("smoke", {**short, "training.output_dir": str(output_dir), **given})


def _folder(name: str) -> Path:
    """A folder that is there until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


@cache
def teacher() -> str:
    """A run directory with a finished run of the smoke recipe; it takes all texts for one class, and is unsure."""
    folder = _folder("teacher")
    train(smoke(folder, {"training.num_train_epochs": 1, "training.save_strategy": "no"}))
    return str(folder)


@cache
def classifier() -> str:
    """A run directory with a run that has learnt to tell the classes apart."""
    folder = _folder("classifier")
    settings = {"training.num_train_epochs": 14, "training.learning_rate": 5e-3, "training.save_strategy": "no"}
    train(smoke(folder, settings))
    return str(folder)


@cache
def masked_lm() -> str:
    """A model that fills in words."""
    return save_masked_lm(_folder("masked-lm"))


@cache
def seq2seq() -> str:
    """A model that writes letters."""
    return save_seq2seq(_folder("seq2seq"))


_MODELS = {TEACHER: teacher, CLASSIFIER: classifier, MASKED_LM: masked_lm, SEQ2SEQ: seq2seq}


def _is_model(value: Any) -> bool:
    return isinstance(value, str) and value in _MODELS


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
