"""python benchmarks/active_scoring.py [--rounds 5] [--rows 384] [--json FILE]

Scoring a pool with MiniLM-L6, as each round of active learning does: rows from the longest to the shortest, against a
pass of the stock Trainer over rows padded to the length that they are cut at.

A round scores the same rows both ways, one right after the other, in an order that alternates; CPU time, one thread,
batches of 32, fp32. The figure is the median over the rounds of the ratio of paired times; its limit is the tokens that
fixed padding computes over those that there are. The probabilities of both must be equal to 1e-5, or the benchmark
fails.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from rich.console import Console
from side_by_side import RESULTS, Rows, encoded, make_trainer, spread, turns, write_json
from transformers import AutoTokenizer

from hf_efficient import tasks
from hf_efficient.recipe import Recipe
from hf_efficient.tasks.classification import softmax
from hf_efficient.training.scoring_trainer import predict_rows

DATA = {"demo/movie-sentiment": 128, "demo/reuters-r8": 256, "demo/20newsgroups": 256}
"""Where rows are cut, which is the length that `fixed` pads them to."""
BATCH = 32
VARIANTS = ("fixed", "sorted")
TOLERANCE = 1e-5


def passes(rows: Rows, folder: str) -> dict[str, Callable[[], Any]]:
    """What scores all rows, each way."""
    settings = {"per_device_eval_batch_size": BATCH, "bf16": False}
    trainer, _, _ = make_trainer("fixed", rows, folder, **settings)
    training = {"per_device_eval_batch_size": BATCH, "precision": "fp32", "use_cpu": True}
    recipe = Recipe.from_mapping({"model": {"name": rows.model}, "data": {"name": "pool"}, "training": training})
    names = [f"class {number}" for number in range(rows.num_labels)]
    labels = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    table = Dataset.from_dict({"text": names, "label": list(range(len(names)))}, features=labels)
    task = tasks.learn(recipe.task, recipe.data, DatasetDict({"train": table}))
    tokenizer = AutoTokenizer.from_pretrained(rows.model)
    unlabelled = rows.dataset.remove_columns("labels")
    return {
        "fixed": lambda: trainer.predict(rows.dataset).predictions,
        "sorted": lambda: predict_rows(recipe, trainer.model, tokenizer, task, unlabelled),
    }


def compare(name: str, num_rows: int, rounds: int) -> dict[str, Any]:
    """Rows a second and paired ratios of both ways."""
    rows = encoded(name, "train", num_rows, DATA[name])
    seconds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        ways = passes(rows, folder)
        difference = float(np.abs(softmax(ways["fixed"]()) - softmax(ways["sorted"]())).max())  # warms up
        if difference > TOLERANCE:
            raise SystemExit(f"the probabilities differ by {difference:.2g}, which is more than {TOLERANCE:g}")
        for number in range(rounds):
            found = {}
            for variant in turns(VARIANTS, number):
                start = time.process_time()
                ways[variant]()
                found[variant] = time.process_time() - start
            seconds.append(found)
    limit = rows.fixed_length * len(rows.dataset) / rows.num_tokens
    return {
        "rows": len(rows.dataset),
        "length": rows.fixed_length,
        "tokens_per_row": rows.num_tokens / len(rows.dataset),
        "rows_per_second": {v: spread(len(rows.dataset) / pair[v] for pair in seconds) for v in VARIANTS},
        "speedup_over_fixed": {**spread(pair["fixed"] / pair["sorted"] for pair in seconds), "limit": limit},
        "largest_difference": difference,
    }


def main() -> None:
    """Run the benchmark, print its result, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=384)
    parser.add_argument("--json", type=Path, default=RESULTS / "active_scoring.json")
    options = parser.parse_args()
    results = {}
    for name in DATA:
        results[name] = result = compare(name, options.rows, options.rounds)
        over = result["speedup_over_fixed"]
        Console().print(
            f"{name}: {over['median']:.2f} times as many rows a second as padded to {result['length']} "
            f"(limit {over['limit']:.2f}); probabilities equal to {result['largest_difference']:.1g}"
        )
        write_json(options.json, rounds=options.rounds, batch=BATCH, results=results)


if __name__ == "__main__":
    main()
