"""python benchmarks/predicted_memory.py [--steps 60] [--json FILE]

The peak memory that `hf-efficient explain` predicts, beside the peak that the same run then reports. Each is a process
of its own. Runs are short: `--steps` optimizer steps, then an evaluation and the saved model.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console
from rich.table import Table

RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "MiniLM, 16 rows of 48": ("quickstart", {"training.per_device_train_batch_size": 16}),
    "MiniLM, 64 rows of 48": ("quickstart", {"training.per_device_train_batch_size": 64}),
    "MiniLM, 64 rows of 48, fp32": (
        "quickstart",
        {"training.per_device_train_batch_size": 64, "training.precision": "fp32"},
    ),
    "MiniLM, 128 rows of 48": ("quickstart", {"training.per_device_train_batch_size": 128}),
    "MiniLM, 64 rows of 48, activation checkpointing": (
        "quickstart",
        {"training.per_device_train_batch_size": 64, "training.activation_checkpointing": True},
    ),
    "MiniLM, parts of speech": ("brown-pos", {}),
    "T5 from scratch, 64 words": ("reverse-words", {"training.per_device_train_batch_size": 64}),
    "EfficientNet-Lite0, digits": ("digits", {}),
}
"""Recipe and settings of each run."""


def predicted(recipe: str, settings: dict[str, Any], folder: str) -> dict[str, int]:
    """What `explain` says of the memory."""
    from hf_efficient.recipe import Recipe
    from hf_efficient.training.explain import explain

    words = Recipe.load(recipe, {**settings, "training.output_dir": folder})
    return dict(explain(words)["memory"])


def measured(recipe: str, settings: dict[str, Any], folder: str) -> int:
    """What the report says."""
    from hf_efficient import finetune

    return int(finetune(recipe, {**settings, "training.output_dir": folder}).report["peak_memory_bytes"])


def compare(recipe: str, settings: dict[str, Any], steps: int) -> dict[str, Any]:
    """Both of one run, each from a fresh process."""
    short = {**settings, "training.max_steps": steps, "training.save_strategy": "no", "training.eval_strategy": "no"}
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        parts = {}
        for function in (predicted, measured):
            with ProcessPoolExecutor(1, mp_context=context) as process:
                parts[function] = process.submit(function, recipe, short, f"{folder}/run").result()
    return {"predicted": parts[predicted], "measured": parts[measured]}


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/predicted_memory.json"))
    options = parser.parse_args()
    table = Table("run", "predicted", "measured", "ratio", title="peak memory of the process, MB")
    results = {}
    for name, (recipe, settings) in RUNS.items():
        results[name] = found = compare(recipe, settings, options.steps)
        peak, real = found["predicted"]["peak"], found["measured"]
        table.add_row(name, f"{peak / 1e6:,.0f}", f"{real / 1e6:,.0f}", f"{peak / real:.2f}")
    Console().print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"steps": options.steps, "results": results}, indent=2) + "\n")
    Console().print(f"written to {options.json}")


if __name__ == "__main__":
    main()
