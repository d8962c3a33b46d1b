"""The plain model that a run's adapter and its base come to, and what is lost on the way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from hf_efficient.data.files import first_line
from hf_efficient.errors import DataError, RecipeError, RunDirectoryError
from hf_efficient.models.adapters import has_weights, is_adapted, merged_from, unloaded
from hf_efficient.training.checkpoint import disk_error
from hf_efficient.training.progress import without_library_bars
from hf_efficient.training.score import Evaluation, FinishedRun, evaluate_run, model_inputs

COMPARED_ROWS: Final = 16
"""Rows whose logits are compared; metrics are of all."""


@dataclass(frozen=True)
class Compared:
    """How a merged model differs from the run's own on the rows that the run was scored on."""

    rows: Evaluation
    """Metrics of the merged model."""
    before: Mapping[str, float | None]
    """Metrics of the run's own model on the same rows."""
    largest_difference: float
    """Of a logit, among the first rows."""
    mean_difference: float


@dataclass(frozen=True)
class Merged:
    """A merged model on disk."""

    path: Path
    compared: Compared | None
    """None where the run's rows can't be had any more."""
    why_not_compared: str | None = None


def merge_run(run: FinishedRun, output: Path, split: str = "validation") -> Merged:
    """Write the plain model of a run whose adapter was not merged, quantised weights in fp32, and compare the two.

    The run's own model is used up.

    Raises:
        RunDirectoryError: there is nothing to merge, no weights can take it over, something lies there already, or
            the model can't be written.
    """
    _check(run, output)
    try:
        inputs = model_inputs(run, split, COMPARED_ROWS)
        before, logits = evaluate_run(run, split=split), _logits(run.model, inputs)
    except (DataError, RecipeError) as error:
        model = merged_from(unloaded(run.model), run.directory.adapter)
        _write(output, model, run.processing_class)
        return Merged(output, None, first_line(error))
    model = merged_from(unloaded(run.model), run.directory.adapter)
    _write(output, model, run.processing_class)
    after = evaluate_run(replace(run, model=model), split=split)
    differences = torch.cat([(a - b).abs() for a, b in zip(_logits(model, inputs), logits, strict=True)])
    return Merged(output, Compared(after, before.metrics, float(differences.max()), float(differences.mean())))


@torch.no_grad()
def _logits(model: Any, inputs: Sequence[Mapping[str, Any]]) -> list[Tensor]:
    model.eval()
    device = next(model.parameters()).device
    fed = [{name: value.to(device) for name, value in row.items()} for row in inputs]
    return [model(**row)["logits"].float().cpu().reshape(-1) for row in fed]


def _check(run: FinishedRun, output: Path) -> None:
    path = run.directory.path
    if not is_adapted(run.model):
        raise RunDirectoryError(f"{path}: expected an adapter that is not merged, found a plain model in {path}/model.")
    if not has_weights(run.model):
        method = run.facts["adapter"]["method"]
        raise RunDirectoryError(f"{path}: {method} has no weights that a model could take over; use it as it is.")
    if output.exists():
        raise RunDirectoryError(f"{output} exists already; name another directory with --output.")


def _write(output: Path, model: Any, processing_class: Any) -> None:
    """Write a model and its tokenizer or image processor; whole or not at all."""
    unfinished = output.with_name(f".{output.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with without_library_bars():
            model.save_pretrained(unfinished)
        processing_class.save_pretrained(unfinished)
        unfinished.replace(output)
    except Exception as error:  # safetensors and tokenizers each have their own for a full disk
        shutil.rmtree(unfinished, ignore_errors=True)
        if (reason := disk_error(error)) is None:
            raise
        raise RunDirectoryError(
            f"{output}: can't be written ({reason}); name another directory with --output."
        ) from error
