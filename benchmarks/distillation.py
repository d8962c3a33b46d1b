"""python benchmarks/distillation.py [--rounds 5] [--rows 960] [--epochs 3] [--fp32] [--json FILE]

A student of 3 layers learns from MiniLM-L6 on `demo/movie-sentiment`: from labels alone, from a teacher that is asked
in each step (online), and from one whose answers are computed once and kept (cached). The teacher's head is random,
which costs as much as a trained one.

A round trains each for some epochs on the same rows, one after the other, in an order that turns, each time with an
empty cache; CPU time, one thread, batches of 32 grouped by length, the precision that `auto` takes here. Figures are
medians over the rounds of ratios of paired times: a step with kept answers over one without a teacher, and the whole
run with kept answers, computing them included, over the online one. Beside the latter stands what the forward passes
foretell: (3S + T/E) / (3S + T) for E epochs, where S and T are the forward passes of student and teacher over the
batches of an epoch and a backward pass costs two of them; and the same with a measured step without a teacher in the
place of 3S, which has optimizer and loading in it, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from side_by_side import BF16, RESULTS, Clock, CountingCollator, Rows, encoded, spread, turns, write_json
from torch import nn
from transformers import AutoModelForSequenceClassification, PrinterCallback, TrainingArguments

from hf_efficient import Batching, EfficientTrainer
from hf_efficient.losses import Loss, supervised
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import forward_kl
from hf_efficient.models.cached_teacher import CachedTeacher
from hf_efficient.models.student import student_of
from hf_efficient.models.teacher import Teacher

NAME: Final = "demo/movie-sentiment"
BATCH: Final = 32
LAYERS: Final = 3
VARIANTS: Final = ("plain", "cached", "online")


def trained(variant: str, rows: Rows, folder: str, epochs: int, *, bf16: bool) -> dict[str, float]:
    """CPU seconds of a run's steps, and of the teacher's answers before the first one."""
    trainer, teacher = make_trainer(rows, folder, epochs, bf16=bf16)
    asked: Any = teacher
    fill = 0.0
    if variant == "cached":
        start = time.process_time()
        asked = CachedTeacher(
            teacher, Path(folder) / "cache", rows.dataset, CountingCollator("bucketed", rows), per_token=False
        )
        asked.open()
        fill = time.process_time() - start
    labels = supervised("single_label_classification")
    losses: list[Loss] = [labels]
    if variant != "plain":
        losses.append(SoftLabels(labels, asked.logits, forward_kl))
    trainer._losses = tuple(losses)
    clock = Clock()
    trainer.add_callback(clock)
    trainer.train()
    return {"steps": clock.seconds, "fill": fill}


def make_trainer(rows: Rows, folder: str, epochs: int, *, bf16: bool) -> tuple[EfficientTrainer, Teacher]:
    """A trainer of the student, and its teacher."""
    torch.manual_seed(0)
    teacher = AutoModelForSequenceClassification.from_pretrained(rows.model, num_labels=rows.num_labels).eval()
    quiet = {"use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "log_level": "error", "report_to": "none"}
    args = TrainingArguments(
        folder, num_train_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=1e-4, bf16=bf16, **quiet
    )
    trainer = EfficientTrainer(
        student_of(teacher, layers=LAYERS),
        args,
        data_collator=CountingCollator("bucketed", rows),
        train_dataset=rows.dataset,
        losses=[supervised("single_label_classification")],
        techniques=[Batching()],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer, Teacher.on(args, teacher.requires_grad_(False))


def seconds_of_forward_passes(rows: Rows, folder: str, *, bf16: bool) -> dict[str, float]:
    """CPU seconds of student and teacher over the batches of an epoch."""
    trainer, teacher = make_trainer(rows, folder, 1, bf16=bf16)
    student: Any = trainer.model
    models: dict[str, nn.Module] = {"student": student.eval(), "teacher": teacher.model}
    batches = [{name: batch[name] for name in batch if name != "labels"} for batch in trainer.get_train_dataloader()]
    spent = {}
    for name, model in models.items():
        start = time.process_time()
        with torch.no_grad(), trainer.accelerator.autocast():
            for batch in batches:
                model(**batch)
        spent[name] = time.process_time() - start
    return spent


def compare(rows: Rows, rounds: int, epochs: int, *, bf16: bool) -> dict[str, Any]:
    """Ratios of the runs, and what the forward passes foretell."""
    runs: list[dict[str, dict[str, float]]] = []
    passes: list[dict[str, float]] = []
    for number in range(rounds):
        found = {}
        for variant in turns(VARIANTS, number):
            with tempfile.TemporaryDirectory() as folder:
                found[variant] = trained(variant, rows, folder, epochs, bf16=bf16)
        runs.append(found)
        with tempfile.TemporaryDirectory() as folder:
            passes.append(seconds_of_forward_passes(rows, folder, bf16=bf16))
    pairs = list(zip(runs, passes, strict=True))
    return {
        "seconds": {variant: spread(sum(run[variant].values()) for run in runs) for variant in VARIANTS},
        "seconds_to_fill": spread(run["cached"]["fill"] for run in runs),
        "seconds_of_forward_pass": {name: spread(spent[name] for spent in passes) for name in passes[0]},
        "step_cached_over_plain": spread(run["cached"]["steps"] / run["plain"]["steps"] for run in runs),
        "run_cached_over_online": spread(sum(run["cached"].values()) / run["online"]["steps"] for run in runs),
        "foretold": spread(foretold(3 * spent["student"], spent["teacher"], epochs) for spent in passes),
        "foretold_from_a_step": spread(
            foretold(run["plain"]["steps"] / epochs, spent["teacher"], epochs) for run, spent in pairs
        ),
    }


def foretold(step: float, teacher: float, epochs: int) -> float:
    """A run with kept answers over one whose teacher is asked in each step."""
    return (step + teacher / epochs) / (step + teacher)


def main() -> None:
    """Run the benchmark, print its figures, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=960)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--fp32", action="store_true", help="even where bf16 is fast")
    parser.add_argument("--json", type=Path, default=RESULTS / "distillation.json")
    options = parser.parse_args()
    bf16 = BF16 and not options.fp32
    result = compare(encoded(NAME, "train", options.rows), options.rounds, options.epochs, bf16=bf16)
    for name in ("step_cached_over_plain", "run_cached_over_online", "foretold", "foretold_from_a_step"):
        low, high = result[name]["quartiles"]
        Console().print(f"{name.replace('_', ' ')}: {result[name]['median']:.3f} ({low:.3f} to {high:.3f})")
    settings = {"rounds": options.rounds, "rows": options.rows, "epochs": options.epochs, "batch": BATCH, "bf16": bf16}
    write_json(options.json, **settings, results=result)


if __name__ == "__main__":
    main()
