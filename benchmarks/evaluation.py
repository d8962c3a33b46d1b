"""python benchmarks/evaluation.py [--rounds 5] [--rows 384] [--json FILE]

An evaluation pass of MiniLM-L6 over test rows of `demo/20newsgroups` (cut at 256 tokens): sorted by length by
`EfficientTrainer` against dynamic padding by the stock Trainer.

A round scores the same rows with both, one right after the other, in an order that alternates; CPU time, one thread,
batches of 32, fp32. The figure is the median over the rounds of the ratio of paired times; its limit is the tokens that
dynamic padding computes over those that there are. The metrics of both must be equal to 1e-6, or the benchmark fails.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from side_by_side import RESULTS, encoded, make_trainer, spread, turns, write_json

NAME = "demo/20newsgroups"
BATCH = 32
VARIANTS = ("dynamic", "bucketed")
METRICS = ("eval_accuracy", "eval_loss")
TOLERANCE = 1e-6


def compare(num_rows: int, rounds: int) -> dict[str, Any]:
    """Rows a second, paired ratios and metrics of both ways."""
    rows = encoded(NAME, "test", num_rows)
    seconds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = {"per_device_eval_batch_size": BATCH, "bf16": False}
        trainers = {variant: make_trainer(variant, rows, folder, **settings) for variant in VARIANTS}
        metrics = {variant: trainers[variant][0].evaluate(rows.dataset) for variant in VARIANTS}  # warms up
        tokens = {variant: trainers[variant][2].num_tokens / rows.num_tokens for variant in VARIANTS}
        for number in range(rounds):
            found = {}
            for variant in turns(VARIANTS, number):
                start = time.process_time()
                trainers[variant][0].evaluate(rows.dataset)
                found[variant] = time.process_time() - start
            seconds.append(found)
    return {
        "rows": len(rows.dataset),
        "rows_per_second": {v: spread(len(rows.dataset) / pair[v] for pair in seconds) for v in VARIANTS},
        "tokens_computed_per_token": tokens,
        "speedup_over": {
            "dynamic": {**spread(pair["dynamic"] / pair["bucketed"] for pair in seconds), "limit": tokens["dynamic"]}
        },
        "metrics": {variant: {name: found[name] for name in METRICS} for variant, found in metrics.items()},
        "largest_metric_difference": largest_difference(metrics),
    }


def largest_difference(metrics: dict[str, dict[str, float]]) -> float:
    """The largest difference between the metrics of both ways, relative where they are above 1.

    Raises:
        SystemExit: it is above the tolerance.
    """
    pairs = [(metrics["dynamic"][name], metrics["bucketed"][name]) for name in METRICS]
    largest = max(abs(theirs - ours) / max(1.0, abs(theirs)) for theirs, ours in pairs)
    if largest > TOLERANCE:
        raise SystemExit(f"the metrics differ by {largest:.2g}, which is more than {TOLERANCE:g}: {pairs}")
    return largest


def main() -> None:
    """Run the benchmark, print its result, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=384)
    parser.add_argument("--json", type=Path, default=RESULTS / "evaluation.json")
    options = parser.parse_args()
    result = compare(options.rows, options.rounds)
    write_json(options.json, rounds=options.rounds, batch=BATCH, bf16=False, results={NAME: result})
    over = result["speedup_over"]["dynamic"]
    Console().print(
        f"{NAME}: {over['median']:.2f} times as many rows a second as dynamic padding (limit {over['limit']:.2f}); "
        f"metrics equal to {result['largest_metric_difference']:.1g}"
    )


if __name__ == "__main__":
    main()
