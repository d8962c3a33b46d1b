"""python benchmarks/forward.py TEACHER STUDENT [STUDENT …] [--rounds 7] [--batches 12] [--json FILE]

Forward passes of fine-tuned classifiers (directories such as `runs/…/model`) over validation rows of
`demo/movie-sentiment`, in batches of 32 rows of similar length: rows a second, and how many times the first model's.

A round runs every model over the same batches, in an order that turns; CPU time, one thread, fp32, and bf16 where the
CPU has AMX. The figure is the median over the rounds of the ratio of paired times.
"""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from side_by_side import BF16, RESULTS, encoded, spread, turns, write_json
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel

NAME = "demo/movie-sentiment"
BATCH = 32


def batches(number: int) -> list[Tensor]:
    """Token ids of rows of similar length, (32, tokens); short rows are padded, which is under a tenth of it."""
    rows = sorted(encoded(NAME, "validation", number * BATCH).dataset["input_ids"], key=len)
    groups = [rows[start : start + BATCH] for start in range(0, len(rows) - BATCH + 1, BATCH)]
    return [torch.tensor([row + [0] * (len(group[-1]) - len(row)) for row in group]) for group in groups]


def seconds(model: PreTrainedModel, inputs: list[Tensor], *, bf16: bool) -> float:
    """CPU seconds of a forward pass over all batches."""
    autocast = torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()
    start = time.process_time()
    with torch.inference_mode(), autocast:
        for ids in inputs:
            model(input_ids=ids, attention_mask=(ids != 0).long())
    return time.process_time() - start


def compare(models: list[str], rounds: int, inputs: list[Tensor], *, bf16: bool) -> dict[str, Any]:
    """Rows a second of each model, and the ratios to the first."""
    loaded = {name: AutoModelForSequenceClassification.from_pretrained(name).eval() for name in models}
    for model in loaded.values():
        seconds(model, inputs, bf16=bf16)  # warms up
    found = [
        {name: seconds(loaded[name], inputs, bf16=bf16) for name in turns(models, number)} for number in range(rounds)
    ]
    rows = len(inputs) * BATCH
    return {
        name: {
            "rows_per_second": spread(rows / times[name] for times in found),
            "times_the_first": spread(times[models[0]] / times[name] for times in found),
        }
        for name in models
    }


def main() -> None:
    """Run the benchmark, print its result, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--json", type=Path, default=RESULTS / "forward.json")
    options = parser.parse_args()
    inputs = batches(options.batches)
    results = {}
    for precision in ("fp32", *(["bf16"] if BF16 else [])):
        results[precision] = compare(options.models, options.rounds, inputs, bf16=precision == "bf16")
        for name, figures in results[precision].items():
            rows, times = figures["rows_per_second"]["median"], figures["times_the_first"]["median"]
            Console().print(f"{precision} {name}: {rows:.0f} rows/s, {times:.2f} x the first", soft_wrap=True)
    write_json(options.json, rounds=options.rounds, batch=BATCH, results=results)


if __name__ == "__main__":
    main()
