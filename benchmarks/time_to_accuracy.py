"""python benchmarks/time_to_accuracy.py [--seeds 0 1 2] [--rows 5000] [--every 12] [--json FILE]

CPU seconds of training until MiniLM-L6 first reaches a fixed accuracy on the validation rows of
`demo/movie-sentiment`, by how rows are grouped: padded to 128 tokens or to the longest of a random batch by the stock
Trainer; grouped by length by `EfficientTrainer`. Same model, seed, batch, schedule and precision; one epoch.

The variants of a seed run one after the other, in an order that turns; one thread. Evaluations, every few steps, are
not counted. Each finished run is written down at once, and the same command goes on where it was cut off.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from side_by_side import BF16, RESULTS, VARIANTS, Rows, encoded, make_trainer, turns, write_json

NAME = "demo/movie-sentiment"
TARGETS = (0.80, 0.82, 0.83, 0.84)
"""Accuracies whose times are shown; the one that counts is the report's to say."""
SCHEDULE = {
    "per_device_train_batch_size": 32,
    "per_device_eval_batch_size": 64,
    "learning_rate": 1.5e-4,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1,
}
"""The quickstart's."""


def curve(variant: str, rows: Rows, held_out: Any, seed: int, every: int) -> list[dict[str, float]]:
    """Step, CPU seconds of training so far and accuracy, at each evaluation and at the end."""
    settings = {**SCHEDULE, "seed": seed, "eval_strategy": "steps", "eval_steps": every}
    with tempfile.TemporaryDirectory() as folder:
        trainer, clock, _ = make_trainer(variant, rows, folder, held_out=held_out, **settings)
        trainer.train()
        if clock.curve[-1]["step"] < trainer.state.global_step:
            trainer.evaluate()
    return clock.curve


def seconds_to(target: float, points: list[dict[str, float]]) -> float | None:
    """CPU seconds of training at the first evaluation that reaches the target; None where none does."""
    return next((point["cpu_seconds"] for point in points if point["accuracy"] >= target), None)


def finished(path: Path, settings: dict[str, Any]) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Curves that an earlier call has written, by seed and variant.

    Raises:
        SystemExit: they were measured with other settings.
    """
    if not path.exists():
        return {}
    document = json.loads(path.read_text())
    if any(document[name] != value for name, value in settings.items()):
        raise SystemExit(f"{path} holds runs with other settings; give another --json, or remove it.")
    curves: dict[str, dict[str, list[dict[str, float]]]] = document["curves"]
    return curves


def main() -> None:
    """Run what is missing, write it down, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--held-out", type=int, default=2014, help="validation rows")
    parser.add_argument("--every", type=int, default=12, help="steps between evaluations")
    parser.add_argument("--json", type=Path, default=RESULTS / "time_to_accuracy.json")
    options = parser.parse_args()
    settings = {"rows": options.rows, "held_out": options.held_out, "every": options.every, "bf16": BF16}
    curves = finished(options.json, settings)
    rows, held_out = encoded(NAME, "train", options.rows), encoded(NAME, "validation", options.held_out).dataset
    held_out = held_out.select(np.argsort(held_out["length"]))  # so that an evaluation is fast for every variant
    for number, seed in enumerate(options.seeds):
        done = curves.setdefault(str(seed), {})
        for variant in turns(VARIANTS, number):
            if variant not in done:
                done[variant] = curve(variant, rows, held_out, seed, options.every)
                write_json(options.json, **settings, curves=curves)
    table = Table("seed", "variant", "accuracy at the end", "CPU s in all", *(f"to {target:.2f}" for target in TARGETS))
    for seed, variants in curves.items():
        for variant in VARIANTS:
            points = variants[variant]
            times = [seconds_to(target, points) for target in TARGETS]
            shown = ["not reached" if found is None else f"{found:.0f} s" for found in times]
            table.add_row(seed, variant, f"{points[-1]['accuracy']:.4f}", f"{points[-1]['cpu_seconds']:.0f}", *shown)
    Console().print(table)


if __name__ == "__main__":
    main()
