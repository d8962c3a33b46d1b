"""python benchmarks/padding.py [--rounds 5] [--rows 640] [--json FILE]

Training rows a second of MiniLM-L6 on `demo/movie-sentiment` and `demo/20newsgroups` (cut at 256 tokens), by how rows
are grouped: padded to a fixed length (128, or 256), the habit of example scripts; padded to the longest of a random
batch; grouped by length (`batching.padding: bucketed`).

A round trains each variant on the same rows, one after the other, in an order that turns; CPU time, one thread, fp32.
The figure is the median over the rounds of the ratio of paired times. The limit is what the token lengths allow: tokens
computed with a fixed length over tokens there are.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from datasets import Dataset
from rich.console import Console
from rich.table import Table
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from hf_efficient import Batching, EfficientTrainer
from hf_efficient.assets import resolve
from hf_efficient.training.progress import without_library_bars

torch.set_num_threads(1)

DATA = {"demo/movie-sentiment": 128, "demo/20newsgroups": 256}
"""Fixed length of the first variant."""
BATCH = 16


class Clock(TrainerCallback):
    """CPU seconds of the training loop."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start."""
        self.seconds = -time.process_time()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop."""
        self.seconds += time.process_time()


def encoded(name: str, max_length: int, num_rows: int, tokenizer: Any) -> tuple[Dataset, int]:
    """Random training rows as token ids, and the number of classes."""
    table = Dataset.from_parquet(str(resolve(name) / "train.parquet")).shuffle(seed=0).select(range(num_rows))
    ids = tokenizer(table["text"][:], truncation=True, max_length=max_length, padding=False)["input_ids"]
    names = sorted(set(table["label"]))
    rows = {"input_ids": ids, "length": [len(row) for row in ids], "labels": [names.index(x) for x in table["label"]]}
    return Dataset.from_dict(rows), len(names)


def seconds(trainer_class: Callable[..., Any], rows: Dataset, num_labels: int, collator: Any, folder: str) -> float:
    """CPU seconds of an epoch."""
    torch.manual_seed(0)
    with without_library_bars():
        model = AutoModelForSequenceClassification.from_pretrained(resolve("demo/minilm-l6"), num_labels=num_labels)
    args = TrainingArguments(
        folder,
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        log_level="error",
    )
    clock = Clock()
    trainer = trainer_class(model=model, args=args, train_dataset=rows, data_collator=collator, callbacks=[clock])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.seconds


def grouped(**arguments: Any) -> EfficientTrainer:
    """The trainer whose batches are grouped by length."""
    return EfficientTrainer(**arguments, techniques=[Batching()])


def compare(name: str, fixed: int, num_rows: int, rounds: int) -> dict[str, Any]:
    """Seconds and paired ratios of the variants on one data set."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("demo/minilm-l6"))
    rows, num_labels = encoded(name, fixed, num_rows, tokenizer)
    to_longest = DataCollatorWithPadding(tokenizer)
    to_fixed = DataCollatorWithPadding(tokenizer, padding="max_length", max_length=fixed)
    variants = {"fixed": (Trainer, to_fixed), "dynamic": (Trainer, to_longest), "bucketed": (grouped, to_longest)}
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            names = list(variants)[number % 3 :] + list(variants)[: number % 3]
            found.append({v: seconds(variants[v][0], rows, num_labels, variants[v][1], folder) for v in names})
    lengths = np.asarray(rows["length"])
    ratios = {base: [pair[base] / pair["bucketed"] for pair in found] for base in ("fixed", "dynamic")}
    return {
        "rows": num_rows,
        "limit": fixed / float(lengths.mean()),
        "rows_per_second": {v: num_rows / statistics.median(pair[v] for pair in found) for v in variants},
        "speedup_over": {base: {"median": statistics.median(r), "all": sorted(r)} for base, r in ratios.items()},
    }


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/padding.json"))
    options = parser.parse_args()
    results = {name: compare(name, fixed, options.rows, options.rounds) for name, fixed in DATA.items()}
    table = Table("data", "fixed", "dynamic", "bucketed", "over fixed", "limit", "over dynamic", title="rows a second")
    for name, result in results.items():
        speeds, over = result["rows_per_second"], result["speedup_over"]
        cells = [f"{speeds[v]:.1f}" for v in ("fixed", "dynamic", "bucketed")]
        ratios = [f"{over['fixed']['median']:.2f}", f"{result['limit']:.2f}", f"{over['dynamic']['median']:.2f}"]
        table.add_row(name, *cells, *ratios)
    Console().print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    document = {"rounds": options.rounds, "batch": BATCH, "torch": torch.__version__, "results": results}
    options.json.write_text(json.dumps(document, indent=2) + "\n")
    Console().print(f"written to {options.json}")


if __name__ == "__main__":
    main()
