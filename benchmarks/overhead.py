"""python benchmarks/overhead.py [--rounds 15] [--steps 40] [--json FILE]

Time of a training step of `EfficientTrainer` against the stock `Trainer`: same model, rows, arguments and seed.

A round trains both for the same steps, one right after the other, in an order that alternates from round to round;
CPU time of the process, one thread. The figure is the median over the rounds of the ratio ours / stock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import transformers
from rich.console import Console
from rich.table import Table
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, TrainerCallback, TrainingArguments

from hf_efficient import EfficientTrainer

torch.set_num_threads(1)

MODELS = {
    # MiniLM-L6's shape: what the quickstart trains.
    "minilm-l6 shape, 16 rows of 32 tokens": (
        {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
        16,
        32,
    ),
    # So small that nothing but the trainer's own work is left: the worst case.
    "2 layers of 32, 8 rows of 16 tokens": (
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
        8,
        16,
    ),
}


class Clock(TrainerCallback):
    """CPU seconds between the end of a step and the end of the next, the first few left out."""

    WARMUP = 3

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each optimizer step."""
        self.marks.append(time.process_time())

    @property
    def seconds_per_step(self) -> float:
        """CPU seconds of a step on average."""
        marks = self.marks[self.WARMUP :]
        return (marks[-1] - marks[0]) / (len(marks) - 1)


def time_step(cls: type, shape: dict[str, int], batch: int, length: int, steps: int, folder: str) -> float:
    """CPU seconds of one step."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(vocab_size=1000, max_position_embeddings=64, **shape))
    ids = torch.randint(0, 1000, (batch * 4, length))
    rows = [
        {"input_ids": row, "attention_mask": torch.ones(length, dtype=torch.long), "labels": i % 2}
        for i, row in enumerate(ids)
    ]
    clock = Clock()
    args = TrainingArguments(
        folder,
        per_device_train_batch_size=batch,
        max_steps=steps + Clock.WARMUP,
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        log_level="error",
        logging_steps=10,
    )
    trainer = cls(model=model, args=args, train_dataset=rows, callbacks=[clock])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.seconds_per_step


def compare(shape: dict[str, int], batch: int, length: int, rounds: int, steps: int) -> dict[str, Any]:
    """Ratios of paired runs."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            order = [transformers.Trainer, EfficientTrainer]
            found = {cls: time_step(cls, shape, batch, length, steps, folder) for cls in order[:: (-1) ** number]}
            pairs.append((found[EfficientTrainer], found[transformers.Trainer]))
    ratios = sorted(ours / stock for ours, stock in pairs)
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "stock_ms": 1e3 * statistics.median(stock for _, stock in pairs),
        "ours_ms": 1e3 * statistics.median(ours for ours, _ in pairs),
        "ratio_median": statistics.median(ratios),
        "ratio_quartiles": [quartiles[0], quartiles[2]],
        "ratios": ratios,
    }


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/overhead.json"))
    options = parser.parse_args()
    results = {name: compare(*setting, rounds=options.rounds, steps=options.steps) for name, setting in MODELS.items()}
    table = Table("model and batch", "Trainer", "EfficientTrainer", "ratio", "quartiles", title="CPU time of one step")
    for name, found in results.items():
        low, high = found["ratio_quartiles"]
        table.add_row(
            name,
            f"{found['stock_ms']:.2f} ms",
            f"{found['ours_ms']:.2f} ms",
            f"{found['ratio_median']:.4f}",
            f"{low:.4f} to {high:.4f}",
        )
    Console().print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "rounds": options.rounds,
        "steps": options.steps,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "results": results,
    }
    options.json.write_text(json.dumps(document, indent=2) + "\n")
    Console().print(f"written to {options.json}")


if __name__ == "__main__":
    main()
