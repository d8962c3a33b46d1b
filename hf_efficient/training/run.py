"""From a plan to an outcome: train, evaluate, save."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import transformers
from accelerate.utils.memory import should_reduce_batch_size

from hf_efficient.data.files import first_line
from hf_efficient.data.stream import StreamedRows
from hf_efficient.errors import HfEfficientError, PlanError, RunDirectoryError, TryAgainError
from hf_efficient.measure import Stopwatch
from hf_efficient.models.adapters import is_adapted
from hf_efficient.models.processes import on_every_process, on_main_process
from hf_efficient.models.quantization import numel
from hf_efficient.plan import Plan
from hf_efficient.report.units import size
from hf_efficient.tasks import predict_step, preprocess_logits_for_metrics
from hf_efficient.training.checkpoint import disk_error
from hf_efficient.training.divergence import EndIfDiverged
from hf_efficient.training.epochs import SaveAfterEvaluation, WithoutEpochs
from hf_efficient.training.launch import local_world_size, lost_process
from hf_efficient.training.progress import JsonLog, ProgressBar, without_library_bars
from hf_efficient.training.run_directory import Opening, RunDirectory
from hf_efficient.training.save import save_model
from hf_efficient.training.trainer import EfficientTrainer
from hf_efficient.training.workers import in_one_line


@dataclass(frozen=True)
class Trained:
    """What happened: the facts that the report is written from."""

    metrics: dict[str, dict[str, float | None]]
    """Metrics of the validation and the test rows, by split and name."""
    steps: int
    max_steps: int
    epochs: float | None
    """None where rows stream, and nobody has counted them."""
    best_step: int | None
    train_loss: float | None
    """Mean over all steps; None where some ran in an earlier part of the run, or overflowed."""
    seconds: float | None
    """Wall seconds in training steps and what was prepared for them, of all parts of an interrupted run; None where
    another program did some."""
    cpu_seconds: float | None
    cache_seconds: float | None
    """Of these, wall seconds in filling the caches of hidden states and of a teacher's answers."""
    cache_cpu_seconds: float | None
    total_seconds: float
    """Wall seconds of this part of the run, evaluation and saving included."""
    resumed_from_step: int | None
    parameters: int
    """Of the model as it was trained, adapter included."""
    trainable_parameters: int
    model: Any = field(repr=False)
    """The trained model; an adapter is merged if it can be."""
    history: tuple[dict[str, Any], ...] = field(repr=False, default=())


_START = Opening()


def run(plan: Plan, directory: RunDirectory, opening: Opening = _START) -> Trained:
    """Train the plan's model, score it, and write `model/` and `log.jsonl`.

    Raises:
        RunDirectoryError: the disk is too full, or fills up, or some machine does not see the run that it is to go on
            with.
        PlanError: settings that the Trainer refuses, or memory that runs out.
        TryAgainError: another process of the run has ended.
    """
    start = time.perf_counter()
    on_main_process(lambda: _check_space(plan, directory.path))
    _check_shared(plan, directory, opening)
    if plan.args.dataloader_num_workers > 0 or local_world_size() > 1:
        # The library warns in each forked worker otherwise, and would take all cores in each of several processes.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    trainer = make_trainer(plan, directory)
    resume_from = None if opening.resume_from is None else str(opening.resume_from)
    resumed_from_step = None if resume_from is None else _step_of(resume_from)
    with without_library_bars(), closing(_callback(trainer, ProgressBar)), in_one_line(), _explained(directory.path):
        output = trainer.train(resume_from_checkpoint=resume_from)
        metrics = _scored(trainer, plan)
        weights = [(numel(weight), weight.requires_grad) for weight in plan.model.parameters()]
        model = save_model(trainer, directory)
    watch = _callback(trainer, Stopwatch)
    state = trainer.state
    whole = watch.steps == state.global_step  # a checkpoint of the stock Trainer brings steps that nobody timed
    return Trained(
        metrics=metrics,
        steps=state.global_step,
        max_steps=state.max_steps,
        epochs=None if isinstance(plan.train_dataset, StreamedRows) else state.epoch or 0.0,
        best_step=state.best_global_step if plan.args.load_best_model_at_end else None,
        train_loss=output.training_loss if resume_from is None and math.isfinite(output.training_loss) else None,
        seconds=watch.seconds if whole else None,
        cpu_seconds=watch.cpu_seconds if whole else None,
        cache_seconds=watch.cache_seconds if whole else None,
        cache_cpu_seconds=watch.cache_cpu_seconds if whole else None,
        total_seconds=time.perf_counter() - start,
        resumed_from_step=resumed_from_step,
        history=tuple(state.log_history),
        parameters=sum(number for number, _ in weights),
        trainable_parameters=sum(number for number, trained in weights if trained),
        model=model,
    )


def make_trainer(plan: Plan, directory: RunDirectory) -> EfficientTrainer:
    """The trainer of a plan, with the run's own progress bar and log.

    Raises:
        PlanError: settings that transformers or accelerate refuses here, or whose package is missing.
    """
    try:
        return _make_trainer(plan, directory)
    except (ImportError, RuntimeError, ValueError) as error:
        raise PlanError(f"the trainer can't be made with these settings: {first_line(error)}") from error


def _make_trainer(plan: Plan, directory: RunDirectory) -> EfficientTrainer:
    trainer = EfficientTrainer(
        model=plan.model,
        args=plan.args,
        data_collator=plan.data_collator,
        train_dataset=plan.train_dataset,
        eval_dataset=plan.eval_dataset,
        processing_class=plan.processing_class,
        compute_metrics=None if plan.task is None else plan.task.compute_metrics,
        callbacks=[
            Stopwatch(*plan.prepared_seconds),  # before those that prepare something: their time counts
            *([WithoutEpochs()] if isinstance(plan.train_dataset, StreamedRows) else []),
            *plan.callbacks,
            EndIfDiverged(),
            SaveAfterEvaluation(),
            JsonLog(str(directory.log)),
            ProgressBar(),
        ],
        losses=plan.losses,
        sampler=plan.order,
        rows_per_epoch=plan.rows_per_epoch,
        batches=plan.batches,
        scheduler=plan.scheduler,
        learning_rates=plan.learning_rates,
        smaller_micro_batch=plan.smaller_micro_batch,
        predict_step=predict_step(plan.task),
        preprocess_logits_for_metrics=preprocess_logits_for_metrics(plan.task),
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


C = TypeVar("C", bound=transformers.TrainerCallback)


def _callback(trainer: EfficientTrainer, kind: type[C]) -> C:
    return next(callback for callback in trainer.callback_handler.callbacks if isinstance(callback, kind))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn a disk that fills up, memory that runs out or a process that is lost into one line."""
    try:
        yield
    except HfEfficientError:
        raise
    except Exception as error:  # torch, safetensors and tokenizers each have their own for a full disk
        if (explained := _in_words(error, path)) is None:
            raise
        raise explained from error


def _in_words(error: Exception, path: Path) -> HfEfficientError | None:
    if isinstance(error, ImportError):  # an optimizer's package
        return PlanError(f"a package is missing for these settings: {first_line(error)}")
    if should_reduce_batch_size(error):
        return PlanError(
            "out of memory; set training.per_device_train_batch_size: auto and training.effective_batch_size, "
            f"or a smaller batch ({first_line(error)})"
        )
    if lost_process(error):
        return TryAgainError(
            "another process of this run has ended, and its own message says why; the same command goes on from the "
            "newest checkpoint."
        )
    if (reason := disk_error(error)) is not None:
        return RunDirectoryError(
            f"{path}: can't be written ({reason}); free space and start the same command again: it goes on "
            "from its newest checkpoint."
        )
    return None


_SPEED = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def _metrics(logs: dict[str, Any], prefix: str) -> dict[str, float | None]:
    named = {key.removeprefix(f"{prefix}_"): value for key, value in logs.items() if key.startswith(f"{prefix}_")}
    return {key: value for key, value in named.items() if key not in _SPEED}


def _scored(trainer: EfficientTrainer, plan: Plan) -> dict[str, dict[str, float | None]]:
    """Metrics of the trained model, by split and name."""
    metrics = {}
    if plan.eval_dataset is not None:
        evaluated = _last_evaluation(trainer)
        metrics["validation"] = evaluated or _metrics(trainer.evaluate(plan.eval_dataset), "eval")
    if plan.test_dataset is not None:
        scored = trainer.predict(plan.test_dataset, metric_key_prefix="test").metrics
        metrics["test"] = _metrics(scored or {}, "test")
    return metrics


def _last_evaluation(trainer: EfficientTrainer) -> dict[str, float | None] | None:
    """Metrics of the model that is saved, if the run has scored it already."""
    state = trainer.state
    step = state.best_global_step if trainer.args.load_best_model_at_end else state.global_step
    for log in reversed(state.log_history):
        if log["step"] == step and "eval_loss" in log:
            return _metrics(log, "eval")
    return None


def _check_space(plan: Plan, path: Path) -> None:
    """Refuse to start where the run's files can't fit (estimate: 4 bytes a parameter, 8 more for the optimizer)."""
    weights = 4 * sum(p.numel() for p in plan.model.parameters())
    trained = 4 * sum(p.numel() for p in plan.model.parameters() if p.requires_grad)
    of_checkpoint = (trained if is_adapted(plan.model) else weights) + 2 * trained
    kept = 0 if plan.args.save_strategy == "no" else (plan.args.save_total_limit or 1) + 1
    needed = weights + kept * of_checkpoint
    free = shutil.disk_usage(path).free
    if free < needed:
        raise RunDirectoryError(
            f"{path}: the run needs an estimated {size(needed)} for its model and checkpoints and the disk has "
            f"{size(free)} free; free space, choose another training.output_dir or training.save_strategy: no."
        )


def _check_shared(plan: Plan, directory: RunDirectory, opening: Opening) -> None:
    """Refuse what reads checkpoints where some process does not see those of the first: it would keep other weights."""
    reads = "training.load_best_model_at_end" if plan.args.load_best_model_at_end else "going on"
    reads_any = plan.args.load_best_model_at_end or opening.resume_from is not None
    if reads_any and not all(on_every_process(directory.recipe.is_file)):
        raise RunDirectoryError(
            f"{directory.path}: not every machine sees this directory of the first one, and {reads} needs it; put "
            "training.output_dir on a disk that all of them share."
        )


def _step_of(checkpoint: str) -> int:
    return int(json.loads((Path(checkpoint) / "trainer_state.json").read_text())["global_step"])
