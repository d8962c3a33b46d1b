"""python benchmarks/memory_settings.py [--repeats 3] [--rows 192] [--json FILE]

What settings that save memory, or compile, cost and gain: peak memory and CPU time of a step of MiniLM-L6 on
`demo/20newsgroups` (cut at 256 tokens), trained by `EfficientTrainer` with batches of 16 grouped by length.

Each run is a fresh process; peak memory is its largest resident set (`ru_maxrss`), libraries included; one thread, the
precision that `auto` takes here. A step's time is the mean of the second half of the epoch, so that compiling is left
out; it is given apart, as the time of the first two steps. Medians over the repeats, each in an order that turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from side_by_side import BF16, RESULTS, encoded, make_trainer, peak_bytes, spread, turns, write_json
from transformers import TrainerCallback

NAME = "demo/20newsgroups"
BATCH = 16
SETTINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "optim: adamw_8bit": {"optim": "adamw_8bit"},
    "activation_checkpointing: true": {"activation_checkpointing": True},
    "both": {"optim": "adamw_8bit", "activation_checkpointing": True},
    "torch_compile: true": {"torch_compile": True},
}


class StepTimes(TrainerCallback):
    """CPU seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._mark = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before each step."""
        self._mark = time.process_time()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each step."""
        self.seconds.append(time.process_time() - self._mark)


def measure(setting: str, num_rows: int) -> dict[str, float]:
    """Peak bytes and step times of this process."""
    steps = StepTimes()
    with tempfile.TemporaryDirectory() as folder:
        rows = encoded(NAME, "train", num_rows)
        settings = {"per_device_train_batch_size": BATCH, **SETTINGS[setting]}
        trainer, _, _ = make_trainer("bucketed", rows, folder, **settings)
        trainer.add_callback(steps)
        trainer.train()
    late = steps.seconds[len(steps.seconds) // 2 :]
    return {"peak_bytes": peak_bytes(), "step_seconds": statistics.mean(late), "first_seconds": sum(steps.seconds[:2])}


def _child(setting: str, num_rows: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--rows", str(num_rows), "--child", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=192)
    parser.add_argument("--json", type=Path, default=RESULTS / "memory_settings.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.stdout.write(json.dumps(measure(options.child, options.rows)) + "\n")
        return
    found = [
        {setting: _child(setting, options.rows) for setting in turns(list(SETTINGS), number)}
        for number in range(options.repeats)
    ]
    results = {
        setting: {name: spread(run[setting][name] for run in found) for name in found[0][setting]}
        for setting in SETTINGS
    }
    write_json(options.json, rows=options.rows, batch=BATCH, bf16=BF16, results=results)
    table = Table("setting", "peak memory", "CPU time of a step", "of the first two steps")
    for setting, result in results.items():
        peak, step, first = (result[name]["median"] for name in ("peak_bytes", "step_seconds", "first_seconds"))
        table.add_row(setting, f"{peak / 1e6:,.0f} MB", f"{step:.2f} s", f"{first:.1f} s")
    Console().print(table)


if __name__ == "__main__":
    main()
