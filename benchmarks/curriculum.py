"""python benchmarks/curriculum.py [--rounds 5] [--rows 960] [--fp32] [--json FILE]

What it costs to know how difficult rows are, as a share of an epoch of MiniLM-L6 on `demo/movie-sentiment`, in batches
of 16 grouped by length, on one thread, in the precision that `auto` takes here.

`model`: one pass of a model of the same size over all rows (`curriculum.by: el2n` with a `reference`), with the hashes
by which its scores are found again. A training step is a forward pass and a backward pass of twice its cost, so that
about a third is to be expected; the optimizer and the trainer lower that share. `training`: what an epoch takes longer
if the training itself tells (`by: el2n` alone), with the same batches. `length` and `rarity` ask no model.

A round measures each variant once, one after another, in an order that turns, after one round that is not counted; CPU
time. The figure is the median over the rounds of the ratio of paired times, to the epoch of the same round.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table
from side_by_side import BF16, RESULTS, Clock, CountingCollator, Rows, encoded, spread, turns, write_json
from transformers import AutoModelForSequenceClassification, PrinterCallback, TrainingArguments

from hf_efficient import Batching, Curriculum, EfficientTrainer
from hf_efficient.data.difficulty import rarity
from hf_efficient.data.fed import NumberingCollator, numbered
from hf_efficient.data.order import CurriculumOrder
from hf_efficient.losses import supervised
from hf_efficient.models.cached_rows import computation_key
from hf_efficient.models.scored_rows import scores_key, scores_of_model
from hf_efficient.models.teacher import Teacher
from hf_efficient.techniques.curriculum import pace_of
from hf_efficient.techniques.curriculum.follow import Follow

BATCH: Final = 16
GOAL: Final = 0.36
LABELS: Final = supervised("single_label_classification")
SECTION: Final = Curriculum(by="el2n", start=1.0, end=1.0)
"""All rows are available from the start on, so that batches are those of a plain run."""
EPOCHS: Final = 2
"""Rows that the training itself tells of are ranked from the second epoch on."""


def model_of(rows: Rows) -> Any:
    """The pretrained model with a head."""
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_pretrained(rows.model, num_labels=rows.num_labels)


def arguments(folder: str, *, bf16: bool) -> TrainingArguments:
    """Of a run of `EPOCHS`."""
    quiet = {"use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "log_level": "error", "report_to": "none"}
    return TrainingArguments(
        folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=1e-4, bf16=bf16, **quiet
    )


def seconds_of_epoch(rows: Rows, folder: str, *, bf16: bool, watched: bool = False) -> float:
    """CPU seconds of an epoch; `watched`: what it tells of each row is noted, and which rows were fed."""
    collator: Any = CountingCollator("bucketed", rows)
    order = CurriculumOrder(len(rows.dataset), pace_of(SECTION), num_epochs=EPOCHS, seed=0)
    follow, clock = Follow(order, SECTION, labels=LABELS), Clock()
    trainer = EfficientTrainer(
        model_of(rows),
        arguments(folder, bf16=bf16),
        data_collator=NumberingCollator(collator) if watched else collator,
        train_dataset=numbered(rows.dataset, len(rows.dataset)) if watched else rows.dataset,
        callbacks=[clock, follow] if watched else [clock],
        losses=[LABELS],
        sampler=order if watched else None,
        techniques=[Batching()],
    )
    follow.batches = trainer.batches
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.seconds / EPOCHS


def seconds_of_scoring(rows: Rows, folder: str, *, bf16: bool) -> float:
    """CPU seconds in which a model says how difficult each row is."""
    asked = Teacher.on(arguments(folder, bf16=bf16), model_of(rows).eval().requires_grad_(False))
    return _spent(lambda: _scored(asked, rows))


def _scored(asked: Teacher, rows: Rows) -> Any:
    scores_key(computation_key(asked.model.config, sorted(asked.model.state_dict().items())), rows.dataset)
    return scores_of_model("el2n", LABELS, asked, rows.dataset, CountingCollator("bucketed", rows))


def _spent(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(rows: Rows, rounds: int, *, bf16: bool) -> dict[str, Any]:
    """Seconds of each variant, and their ratio to the epoch."""
    seconds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        variants: dict[str, Callable[[], float]] = {
            "epoch": lambda: seconds_of_epoch(rows, folder, bf16=bf16),
            "model": lambda: seconds_of_scoring(rows, folder, bf16=bf16),
            "training": lambda: seconds_of_epoch(rows, folder, bf16=bf16, watched=True),
            "rarity": lambda: _spent(lambda: rarity(rows.dataset["input_ids"][:])),
            "length": lambda: _spent(lambda: rows.dataset["length"][:]),
        }
        for number in range(1 + rounds):
            spent = {name: variants[name]() for name in turns(list(variants), number)}
            seconds += [spent] if number else []
    costs = {name: [each[name] / each["epoch"] for each in seconds] for name in variants if name != "epoch"}
    costs["training"] = [ratio - 1 for ratio in costs["training"]]
    return {
        "seconds": {name: spread(each[name] for each in seconds) for name in variants},
        "cost": {name: spread(values) for name, values in costs.items()},
        "goal": GOAL,
    }


def show(results: dict[str, Any]) -> None:
    """Print the costs."""
    table = Table("by what", "seconds", "share of an epoch")
    for name, cost in results["cost"].items():
        low, high = cost["quartiles"]
        seconds = results["seconds"][name]["median"]
        table.add_row(name, f"{seconds:.2f}", f"{cost['median']:.3f} ({low:.3f} to {high:.3f})")
    Console().print(table)
    Console().print(f"an epoch takes {results['seconds']['epoch']['median']:.1f} s; the goal of model is {GOAL} of it")


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=960)
    parser.add_argument("--fp32", action="store_true")
    parser.add_argument("--json", type=Path, default=RESULTS / "curriculum.json")
    options = parser.parse_args()
    bf16 = BF16 and not options.fp32
    rows = encoded("demo/movie-sentiment", "train", options.rows)
    results = compare(rows, options.rounds, bf16=bf16)
    show(results)
    settings = {"rounds": options.rounds, "rows": len(rows.dataset), "batch": BATCH, "bf16": bf16}
    write_json(options.json, **settings, results=results)


if __name__ == "__main__":
    main()
