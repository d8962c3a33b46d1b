"""What the benchmarks of padding share: the rows, three ways to make batches of them, a clock, and turns.

Importing it loads no `hf_efficient`, so that a process of the stock Trainer can be measured without it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
import transformers
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]

RESULTS: Final = Path(__file__).parent / "results"
MODEL: Final = "demo/minilm-l6"
DATA: Final = {"demo/movie-sentiment": 128, "demo/20newsgroups": 256}
"""Where the rows of a data set are cut, which is the length that `fixed` pads them to."""
VARIANTS: Final = ("fixed", "dynamic", "bucketed")
"""Rows padded to one length, the habit of example scripts; to the longest of a random batch, both by the stock
Trainer; and grouped by length, by `EfficientTrainer`."""
BF16: Final = bool(torch.cpu.get_capabilities().get("amx_bf16"))
"""Whether `precision: auto` takes bf16 on this machine."""


@dataclass(frozen=True)
class Rows:
    """Rows as token ids, where they lie, and what a model and a collator must know of them."""

    dataset: Dataset
    num_labels: int
    fixed_length: int
    model: str
    """Directory of the pretrained model."""

    @property
    def num_tokens(self) -> int:
        """Tokens that are no padding."""
        return sum(self.dataset["length"])


def encoded(name: str, split: str, num_rows: int, length: int | None = None) -> Rows:
    """Random rows of a data set as token ids, cut at `length`."""
    from hf_efficient.assets import resolve

    model, fixed_length = str(resolve(MODEL)), length or DATA[name]
    table = Dataset.from_parquet(str(resolve(name) / f"{split}.parquet")).shuffle(seed=0)
    table = table.select(range(min(num_rows, len(table))))
    tokenizer = AutoTokenizer.from_pretrained(model)
    ids = tokenizer(table["text"][:], truncation=True, max_length=fixed_length, padding=False)["input_ids"]
    labels = sorted(set(table["label"]))
    columns = {
        "input_ids": ids,
        "length": [len(row) for row in ids],
        "labels": [labels.index(x) for x in table["label"]],
    }
    return Rows(Dataset.from_dict(columns), len(labels), fixed_length, model)


class CountingCollator:
    """A collator that counts the tokens of its batches, padding included."""

    def __init__(self, variant: str, rows: Rows) -> None:
        padding = "max_length" if variant == "fixed" else "longest"
        tokenizer = AutoTokenizer.from_pretrained(rows.model)
        self._collate = DataCollatorWithPadding(tokenizer, padding=padding, max_length=rows.fixed_length)
        self.num_tokens = 0

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A padded batch."""
        batch: dict[str, Any] = self._collate(rows)
        self.num_tokens += batch["input_ids"].numel()
        return batch


class Clock(TrainerCallback):
    """CPU seconds in training steps, and the metrics of each evaluation, which is not counted, by then."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.curve: list[dict[str, float]] = []
        self._mark = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first batch is drawn."""
        self._mark = time.process_time()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each step, before an evaluation."""
        now = time.process_time()
        self.seconds += now - self._mark
        self._mark = now

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after an evaluation."""
        accuracy = kwargs["metrics"]["eval_accuracy"]
        self.curve.append({"step": state.global_step, "cpu_seconds": self.seconds, "accuracy": accuracy})
        self._mark = time.process_time()


def make_trainer(
    variant: str, rows: Rows, folder: str, *, held_out: Dataset | None = None, **settings: Any
) -> tuple[Trainer, Clock, CountingCollator]:
    """A trainer of the pretrained model that makes its batches as `variant` says; by default one epoch."""
    torch.manual_seed(settings.get("seed", 0))
    model = AutoModelForSequenceClassification.from_pretrained(rows.model, num_labels=rows.num_labels)
    quiet = {"use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "log_level": "error", "bf16": BF16}
    args = TrainingArguments(folder, **{"num_train_epochs": 1, "report_to": "none", **quiet, **settings})
    clock, collator = Clock(), CountingCollator(variant, rows)
    arguments: dict[str, Any] = {"data_collator": collator, "callbacks": [clock], "compute_metrics": accuracy}
    if variant == "bucketed":
        from hf_efficient import Batching, EfficientTrainer

        made: Any = EfficientTrainer
        arguments["techniques"] = [Batching()]
    else:
        made = Trainer
    trainer: Trainer = made(model=model, args=args, train_dataset=rows.dataset, eval_dataset=held_out, **arguments)
    trainer.remove_callback(PrinterCallback)
    return trainer, clock, collator


def accuracy(prediction: Any) -> dict[str, float]:
    """Share of the rows whose largest logit is their label's."""
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def peak_bytes() -> int:
    """Largest resident set of this process so far, libraries included."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def turns(names: Sequence[str], number: int) -> list[str]:
    """The names in an order that goes round: each comes first, and last, equally often."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


def spread(values: Iterable[float]) -> dict[str, Any]:
    """Median and quartiles of paired measurements, and all of them."""
    found = [float(value) for value in values]
    low, median, high = np.quantile(found, [0.25, 0.5, 0.75])
    return {"median": float(median), "quartiles": [float(low), float(high)], "all": found}


def write_json(path: Path, **content: Any) -> None:
    """Write results, and what they were measured with."""
    machine = {"threads": torch.get_num_threads(), "torch": torch.__version__, "transformers": transformers.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, **machine}, indent=2) + "\n")
