"""python benchmarks/memory.py [--repeats 5] [--rows 96] [--json FILE]

Peak memory of an epoch of MiniLM-L6 on `demo/movie-sentiment` and `demo/20newsgroups` (cut at 256 tokens), grouped by
length by `EfficientTrainer` against dynamic and fixed padding by the stock Trainer.

Each run is a fresh process that imports what it needs and no more; the figure is its largest resident set
(`ru_maxrss`), libraries included, the median over the repeats. Same rows, batches of 16, so that the largest batch is
the 16 longest rows at most; one thread, the precision that `auto` takes here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from datasets import load_from_disk
from rich.console import Console
from rich.table import Table
from side_by_side import (
    BF16,
    DATA,
    RESULTS,
    VARIANTS,
    Rows,
    encoded,
    make_trainer,
    peak_bytes,
    spread,
    turns,
    write_json,
)

BATCH = 16


def compare(name: str, num_rows: int, repeats: int) -> dict[str, Any]:
    """Peak bytes of each variant on one data set, and how much more the grouped one takes."""
    rows = encoded(name, "train", num_rows)
    with tempfile.TemporaryDirectory() as folder:
        rows.dataset.save_to_disk(f"{folder}/rows")
        facts = json.dumps([str(rows.num_labels), str(rows.fixed_length), rows.model])
        peaks = [
            {variant: _child(variant, folder, facts) for variant in turns(VARIANTS, number)}
            for number in range(repeats)
        ]
    return {
        "rows": len(rows.dataset),
        "peak_bytes": {variant: spread(peak[variant] for peak in peaks) for variant in VARIANTS},
        "ratio_to": {base: spread(peak["bucketed"] / peak[base] for peak in peaks) for base in ("fixed", "dynamic")},
    }


def _child(variant: str, folder: str, facts: str) -> int:
    command = [sys.executable, __file__, "--child", variant, folder, facts]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def peak_of(variant: str, folder: str, facts: str) -> int:
    """Largest resident set of this process in bytes, after an epoch."""
    num_labels, fixed_length, model = json.loads(facts)
    rows = Rows(load_from_disk(f"{folder}/rows"), int(num_labels), int(fixed_length), model)
    make_trainer(variant, rows, f"{folder}/{variant}", per_device_train_batch_size=BATCH)[0].train()
    return peak_bytes()


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--json", type=Path, default=RESULTS / "memory.json")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.stdout.write(f"{peak_of(*options.child)}\n")
        return
    results = {name: compare(name, options.rows, options.repeats) for name in DATA}
    write_json(options.json, repeats=options.repeats, batch=BATCH, bf16=BF16, results=results)
    table = Table("data", *VARIANTS, "bucketed over dynamic", title="peak memory in MB")
    for name, result in results.items():
        peaks = [f"{result['peak_bytes'][variant]['median'] / 1e6:.0f}" for variant in VARIANTS]
        table.add_row(name, *peaks, f"{result['ratio_to']['dynamic']['median']:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
