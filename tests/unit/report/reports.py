"""Reports written by hand, one for each kind of problem."""

from __future__ import annotations

import copy
from typing import Any

from hf_efficient.assets import describe

RECIPE = """\
task:
  type: text-classification  # recipe
model:
  name: demo/minilm-l6  # recipe
  initialization: pretrained  # default
data:
  name: demo/movie-sentiment  # recipe
"""

ASSETS = {name: describe(name) for name in ("demo/minilm-l6", "demo/movie-sentiment")}

_SINGLE_LABEL: dict[str, Any] = {
    "format": 1,
    "finished": True,
    "task": {"type": "text-classification", "problem": "single_label", "labels": ["negative", "positive"]},
    "model": {
        "name": "demo/minilm-l6",
        "class": "BertForSequenceClassification",
        "parameters": 22_713_986,
        "trainable_parameters": 22_713_986,
    },
    "data": {
        "name": "demo/movie-sentiment",
        "rows": {"train": 8000, "validation": 2000, "test": 500},
        "truncated_rows": {"train": 3},
    },
    "metrics": {
        "validation": {"matthews_correlation": 0.7213, "accuracy": 0.8605, "f1_macro": 0.86, "loss": 0.3312},
        "test": {"matthews_correlation": 0.71, "accuracy": 0.854, "f1_macro": 0.8532, "loss": 0.341},
    },
    "training": {
        "seconds": 120.3,
        "cpu_seconds": 121.0,
        "steps": 500,
        "epochs": 1.0,
        "rows_per_second": 66.5,
        "effective_batch_size": 16,
        "learning_rate": 1e-4,
        "resumed_from_step": None,
        "train_loss": 0.41,
        "best_step": 250,
        "stopped_early": False,
    },
    "peak_memory_bytes": 812_000_000,
    "peak_memory_kind": "process",
    "precision": {"name": "fp32", "reason": "auto: the CPU has no fast bf16"},
    "launch": {"world_size": 1, "machines": 1, "device": "cpu", "backend": None, "sharding": None},
    "versions": {"hf_efficient": "0.1.0", "torch": "2.13.0"},
    "notes": ["3 rows were cut."],
    "recipe_digest": "0123456789abcdef",
    "output_dir": "runs/quickstart",
}

HISTORY = [
    {"step": 100, "epoch": 0.2, "loss": 0.69, "learning_rate": 1e-4, "grad_norm": 1.5},
    {"step": 250, "epoch": 0.5, "eval_loss": 0.35, "eval_accuracy": 0.84, "eval_runtime": 3.5},
    {"step": 500, "epoch": 1.0, "loss": 0.31, "learning_rate": 0.0, "grad_norm": 0.9},
    {"step": 500, "epoch": 1.0, "eval_loss": 0.3312, "eval_accuracy": 0.8605, "eval_runtime": 3.4},
    {"step": 500, "epoch": 1.0, "train_runtime": 120.3, "train_loss": 0.41},
]


def single_label() -> dict[str, Any]:
    """Two classes, a test split, everything measured."""
    return copy.deepcopy(_SINGLE_LABEL)


def regression() -> dict[str, Any]:
    """A constant model: no correlation, no test split."""
    report = single_label()
    report["task"] = {"type": "text-classification", "problem": "regression", "labels": ["score"]}
    report["metrics"] = {"validation": {"mse": 1.25, "pearsonr": None, "spearmanr": None, "loss": 1.25}}
    report["data"]["rows"] = {"train": 8000, "validation": 2000}
    return report


def multi_label() -> dict[str, Any]:
    """Thirty labels of which some rows have several."""
    report = single_label()
    labels = [f"topic {number}" for number in range(1, 31)]
    report["task"] = {"type": "text-classification", "problem": "multi_label", "labels": labels}
    report["metrics"] = {"validation": {"f1_micro": 0.5, "f1_macro": 0.25, "loss": 0.1}}
    return report


def unmeasured() -> dict[str, Any]:
    """What may be missing is missing."""
    report = regression()
    report["metrics"] = {}
    report["training"] |= dict.fromkeys(
        ("seconds", "cpu_seconds", "rows_per_second", "learning_rate", "train_loss", "best_step")
    )
    report["peak_memory_bytes"] = None
    return report
