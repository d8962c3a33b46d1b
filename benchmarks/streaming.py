"""python benchmarks/streaming.py [--rows 200000] [--rounds 5] [--json FILE]

Rows that stream against rows that are loaded and encoded before training: how many a data loader gives in a second, how
fast a resumed run passes over those it has trained on, and how much memory each takes.

A round draws the same number of batches of 32 rows from both, one right after the other, in an order that alternates
from round to round; CPU time of the process, one thread, no workers. Medians over the rounds. Memory is the peak of a
process of its own that reads the whole file once, less that of one that reads a file of 1 % of the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from torch.utils.data import DataLoader

from hf_efficient.plan import Plan
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.run_directory import RunDirectory

BATCH = 32
WORDS = ("the", "soup", "was", "stirred", "and", "baked", "while", "sails", "hoisted", "over", "a", "calm", "sea")


def write(path: Path, num_rows: int) -> Path:
    """A csv file of texts of 5 to 35 words with a label."""
    draw = random.Random(0)
    with path.open("w") as file:
        file.write("text,label\n")
        for number in range(num_rows):
            file.write(f"{' '.join(draw.choices(WORDS, k=draw.randint(5, 35)))},{'ab'[number % 2]}\n")
    return path


def plan(path: Path, streaming: bool) -> Plan:
    """The plan of a run over a file."""
    valid = path.with_name("valid.csv")
    write(valid, 100)
    words: dict[str, Any] = {
        "task": {"type": "text-classification", "labels": ["a", "b"]},
        "model": {"name": "demo/tiny-bert", "initialization": "random"},
        "data": {"train": str(path), "validation": str(valid)},
        "training": {"output_dir": str(path.parent / "run"), "precision": "fp32"},
    }
    if streaming:
        words["data"]["streaming"] = True
        words["training"] |= {"max_steps": 1_000_000, "per_device_train_batch_size": BATCH}
    recipe = Recipe.from_mapping(words)
    args, _, scheduler = training_arguments(recipe, RunDirectory.of(recipe))
    return build(recipe, args, scheduler)


def rows_per_second(made: Plan, num_rows: int) -> float:
    """Rows that a data loader without workers gives in a second of CPU time."""
    order = range(num_rows) if made.order is not None else random.Random(0).sample(range(num_rows), num_rows)
    loader: Any = DataLoader(made.train_dataset, BATCH, sampler=order, collate_fn=made.data_collator)
    start = time.process_time()
    for _ in loader:
        pass
    return num_rows / (time.process_time() - start)


def passed_per_second(made: Plan, num_rows: int) -> float:
    """Rows that a resumed run passes over in a second of CPU time."""
    start = time.process_time()
    made.train_dataset[num_rows - 1]
    return num_rows / (time.process_time() - start)


def peak_of_process(path: Path, streaming: bool) -> int:
    """Peak resident bytes of a process that goes through a file once."""
    command = [sys.executable, __file__, "--draw", str(path), *(["--streaming"] if streaming else [])]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def draw_all(path: Path, streaming: bool) -> None:
    """Draw batches from all over the rows, and print this process's peak memory."""
    with path.open() as file:
        num_rows = sum(1 for _ in file) - 1
    made = plan(path, streaming)
    for start in range(0, num_rows - BATCH, 20 * BATCH):
        made.train_dataset.__getitems__(list(range(start, start + BATCH)))
    # Not getrusage(2), which begins with the peak of the process that started this one.
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(peak) * 1024)


def measure(folder: Path, num_rows: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    path, small = write(folder / "rows.csv", num_rows), folder / "small"
    small.mkdir()
    few = write(small / "rows.csv", num_rows // 100)
    some = min(num_rows, 20_000)
    rates: dict[str, list[float]] = {"loaded": [], "streamed": [], "passed over": []}
    for number in range(rounds):
        for name in ("loaded", "streamed") if number % 2 else ("streamed", "loaded"):
            rates[name].append(rows_per_second(plan(path, name == "streamed"), some))
        rates["passed over"].append(passed_per_second(plan(path, streaming=True), num_rows))
    memory = {
        name: peak_of_process(path, name == "streamed") - peak_of_process(few, name == "streamed")
        for name in ("loaded", "streamed")
    }
    return {
        "rows": num_rows,
        "bytes": path.stat().st_size,
        "rows_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "spread": {name: [min(values), max(values)] for name, values in rates.items()},
        "ratio": statistics.median(s / e for s, e in zip(rates["streamed"], rates["loaded"], strict=True)),
        "memory_growth": memory,
    }


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--streaming", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.draw:
        draw_all(arguments.draw, arguments.streaming)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_EFFICIENT_HOME"] = str(Path(folder) / "cache")
        found = measure(Path(folder), arguments.rows, arguments.rounds)
    print(json.dumps(found, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
