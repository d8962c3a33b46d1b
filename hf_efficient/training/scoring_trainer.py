"""The trainer that scores rows and trains nothing."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm
from transformers import PrinterCallback, TrainerCallback

from hf_efficient.tasks import predict_step, preprocess_logits_for_metrics
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.cores import share_cores
from hf_efficient.training.progress import without_library_bars
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.trainer import EfficientTrainer
from hf_efficient.training.workers import in_one_line

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe import Recipe
    from hf_efficient.tasks import Task

LONG_WORK = 3.0
"""Seconds from which a progress bar is worth its line."""


class ScoringBar(TrainerCallback):
    """A bar over the batches on stderr, if that is a terminal and the work is long."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Moves the bar."""
        if not state.is_world_process_zero:
            return
        if self._bar is None:
            total = len(kwargs["eval_dataloader"])
            self._bar = tqdm(
                total=total, desc="scoring", unit="batch", delay=LONG_WORK, disable=None, leave=False, file=sys.stderr
            )
        self._bar.update()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Closes the bar."""
        self._close()

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any, **kwargs: Any) -> None:
        """Closes the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def score_rows(recipe: Recipe, model: Any, processing_class: Any, task: Task, rows: Dataset) -> dict[str, Any]:
    """`eval_loss` and the task's metrics, each after `eval_`, over encoded rows with labels."""
    with _scoring_trainer(recipe, model, processing_class, task) as trainer:
        return trainer.evaluate(rows)


def predict_rows(recipe: Recipe, model: Any, processing_class: Any, task: Task, rows: Dataset) -> np.ndarray[Any, Any]:
    """Logits of encoded rows, in their order."""
    with _scoring_trainer(recipe, model, processing_class, task) as trainer:
        predicted = trainer.predict(rows).predictions
    return np.asarray(predicted[0] if isinstance(predicted, tuple) else predicted)


@contextmanager
def _scoring_trainer(recipe: Recipe, model: Any, processing_class: Any, task: Task) -> Iterator[EfficientTrainer]:
    """The Trainer makes its output folder when it is made: here a temporary one, so that a run stays as it is."""
    with tempfile.TemporaryDirectory() as folder, without_library_bars(), in_one_line():
        args, _, _ = training_arguments(recipe, RunDirectory(Path(folder)), trains=False)
        share_cores(args, recipe.place)
        args.eval_strategy, args.report_to, args.disable_tqdm = "no", [], True
        args.torch_compile_backend = args.torch_compile_mode = None  # for one pass it would take longer than it saves
        trainer = EfficientTrainer(
            model=model,
            args=args,
            data_collator=task.collator(processing_class),
            processing_class=processing_class,
            compute_metrics=task.compute_metrics,
            callbacks=[ScoringBar()],
            losses=(task.loss(label_smoothing=args.label_smoothing_factor),),
            predict_step=predict_step(task),
            preprocess_logits_for_metrics=preprocess_logits_for_metrics(task),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.sorts_evaluation = True
        yield trainer
