"""python benchmarks/padding.py [--rounds 5] [--rows 480 200] [--fp32] [--json FILE]

Training rows a second of MiniLM-L6 on `demo/movie-sentiment` and `demo/20newsgroups` (cut at 256 tokens), by how rows
are grouped: padded to a fixed length (128, or 256) or to the longest of a random batch by the stock Trainer; grouped by
length by `EfficientTrainer` (`batching.padding: bucketed`).

A round trains each variant for an epoch on the same rows, one after the other, in an order that turns; CPU time of the
steps, one thread, batches of 16, the precision that `auto` takes here. The figure is the median over the rounds of the
ratio of paired times. Its limit is what the token lengths allow: tokens that the stock variant computed in the same
round, padding included, over tokens that there are. It is a limit by tokens: attention, whose cost grows with the
square of the length, can lift a ratio above it, and work that is the same for every batch keeps it below.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from side_by_side import BF16, DATA, RESULTS, VARIANTS, encoded, make_trainer, spread, turns, write_json

BATCH = 16


def compare(name: str, num_rows: int, rounds: int, *, bf16: bool) -> dict[str, Any]:
    """Rows a second and paired ratios of the variants on one data set."""
    rows = encoded(name, "train", num_rows)
    seconds: list[dict[str, float]] = []
    tokens: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            found = {}
            for variant in turns(VARIANTS, number):
                settings = {"per_device_train_batch_size": BATCH, "seed": number, "bf16": bf16}
                trainer, clock, collator = make_trainer(variant, rows, folder, **settings)
                trainer.train()
                found[variant] = clock.seconds, collator.num_tokens / rows.num_tokens
            seconds.append({variant: found[variant][0] for variant in VARIANTS})
            tokens.append({variant: found[variant][1] for variant in VARIANTS})
    return {
        "rows": len(rows.dataset),
        "tokens_per_row": rows.num_tokens / len(rows.dataset),
        "rows_per_second": {v: spread(len(rows.dataset) / pair[v] for pair in seconds) for v in VARIANTS},
        "tokens_computed_per_token": {v: spread(pair[v] for pair in tokens)["median"] for v in VARIANTS},
        "speedup_over": {
            base: {
                **spread(pair[base] / pair["bucketed"] for pair in seconds),
                "limit": spread(pair[base] for pair in tokens)["median"],
            }
            for base in ("fixed", "dynamic")
        },
    }


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs=2, default=[480, 200], help="rows of each data set")
    parser.add_argument("--json", type=Path, default=RESULTS / "padding.json")
    parser.add_argument("--fp32", action="store_true", help="compute in fp32, also where the CPU has fast bf16")
    options = parser.parse_args()
    bf16 = BF16 and not options.fp32
    results = {
        name: compare(name, num_rows, options.rounds, bf16=bf16)
        for name, num_rows in zip(DATA, options.rows, strict=True)
    }
    write_json(options.json, rounds=options.rounds, batch=BATCH, bf16=bf16, results=results)
    table = Table("data", *VARIANTS, "over fixed (limit)", "over dynamic (limit)", title="training rows a second")
    for name, result in results.items():
        speeds = [f"{result['rows_per_second'][variant]['median']:.1f}" for variant in VARIANTS]
        over = [f"{found['median']:.2f} ({found['limit']:.2f})" for found in result["speedup_over"].values()]
        table.add_row(name, *speeds, *over)
    Console().print(table)


if __name__ == "__main__":
    main()
