"""The facts of a run: the content of `report.json`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from hf_efficient.data.stream import StreamedRows
from hf_efficient.data.unlabelled import UNLABELLED
from hf_efficient.measure import peak_memory
from hf_efficient.models.adapters import is_adapted, model_class
from hf_efficient.models.distributed import class_name, effective_batch_size
from hf_efficient.plan import Plan
from hf_efficient.recipe import Recipe
from hf_efficient.training.launch import Launch
from hf_efficient.training.precision import Precision
from hf_efficient.training.run import Trained
from hf_efficient.training.run_directory import RunDirectory

REPORTED_PACKAGES = ("torch", "transformers", "accelerate", "datasets", "tokenizers", "safetensors")


def report_facts(recipe: Recipe, plan: Plan, precision: Precision, trained: Trained) -> dict[str, Any]:
    """The content of `report.json`; what was not measured is None."""
    assert plan.task is not None
    memory = peak_memory()
    techniques = {name: told() if callable(told) else told for name, told in plan.facts.items()}
    return {
        "format": 1,
        "finished": True,
        "task": {"type": plan.task.name, **plan.task.facts()},
        "model": {
            "name": recipe.model.name,
            "class": class_name(model_class(plan.model)),
            "auto_model": plan.task.auto_model,
            "parameters": trained.parameters,
            "trainable_parameters": trained.trainable_parameters,
        },
        "adapter": None
        if recipe.peft is None
        else {"method": recipe.peft.method, "merged": not is_adapted(trained.model)},
        "data": _data(recipe, plan),
        "metrics": trained.metrics,
        "training": _training(plan, trained, techniques),
        "peak_memory_bytes": memory.num_bytes,
        "peak_memory_kind": memory.kind,
        "precision": {"name": precision.name, "reason": precision.reason},
        "launch": asdict(Launch.current(plan.args, plan.model)),
        "versions": _versions(recipe),
        "techniques": techniques,
        "notes": list(plan.notes),
        "recipe_digest": recipe.digest(),
        "output_dir": str(RunDirectory.of(recipe).path),
    }


def _data(recipe: Recipe, plan: Plan) -> dict[str, Any]:
    scored = {"validation": plan.eval_dataset, "test": plan.test_dataset}
    return {
        "name": recipe.data.name or recipe.data.train,
        "rows": {
            **rows_of_training(plan),
            **{split: len(rows) for split, rows in scored.items() if rows is not None},
        },
        "truncated_rows": plan.truncated_rows,
    }


def _training(plan: Plan, trained: Trained, techniques: Mapping[str, Any]) -> dict[str, Any]:
    rows_of_step = effective_batch_size(plan.args, plan.model)
    rows = trained.steps * rows_of_step if trained.epochs is None else trained.epochs * plan.num_train_rows
    return {
        "seconds": trained.seconds,
        "cpu_seconds": trained.cpu_seconds,
        "cache_seconds": trained.cache_seconds,
        "cache_cpu_seconds": trained.cache_cpu_seconds,
        "found_scores_cpu_seconds": found_scores_cpu_seconds(techniques, trained.resumed_from_step),
        "total_seconds": trained.total_seconds,
        "steps": trained.steps,
        "epochs": trained.epochs,
        "rows_per_second": rows / trained.seconds if trained.seconds else None,
        "effective_batch_size": rows_of_step,
        "learning_rate": plan.args.learning_rate,
        "resumed_from_step": trained.resumed_from_step,
        "train_loss": trained.train_loss,
        "best_step": trained.best_step,
        "stopped_early": trained.steps < trained.max_steps,
    }


def _versions(recipe: Recipe) -> dict[str, str]:
    packages = (*REPORTED_PACKAGES, *(["peft"] if recipe.peft else []))
    return {
        "hf_efficient": version("hf-efficient"),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def found_scores_cpu_seconds(techniques: Mapping[str, Any], resumed_from_step: int | None) -> float | None:
    """CPU seconds of earlier runs for difficulties of rows that this one found on disk.

    None if it found none, or goes on after an interruption: what it found may be its own, and is on its clock then.
    """
    facts = [told for told in techniques.values() if told.get("scores_found")]
    if not facts or resumed_from_step is not None:
        return None
    return float(sum(told["scoring_cpu_seconds"] for told in facts))


def rows_of_training(plan: Plan) -> dict[str, int | None]:
    """Training rows, and those among them without labels apart; None for a stream, which nobody has counted."""
    if isinstance(plan.train_dataset, StreamedRows):
        return {"train": None}
    unlabelled = plan.num_unlabelled
    return {"train": plan.num_train_rows - unlabelled, **({UNLABELLED: unlabelled} if unlabelled else {})}
