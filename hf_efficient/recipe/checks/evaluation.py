"""When a run is scored, saved and logged, and what looks at the scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.checks.need import Check, Complaint, Need
from hf_efficient.recipe.schedules import METRIC_SCHEDULES

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe


def _compares(recipe: Recipe) -> bool:
    """Whether anything looks for the best evaluation."""
    training = recipe.training
    return bool(
        training.load_best_model_at_end
        or training.metric_for_best_model
        or training.lr_scheduler_type in METRIC_SCHEDULES
    )


def _logs_on_steps(recipe: Recipe) -> bool:
    training = recipe.training
    evaluates = training.eval_strategy == "steps" and training.eval_steps is None
    return training.logging_strategy == "steps" or evaluates


def _tracked(recipe: Recipe, tracker: str | None = None) -> bool:
    report_to = recipe.training.report_to
    names = {report_to} if isinstance(report_to, str) else set(report_to or ())
    return bool(names & {tracker, "all"}) if tracker else not names <= {"none"}


NEEDS: Final = (
    Need("training.eval_steps", lambda r: r.training.eval_strategy == "steps", "set training.eval_strategy: steps"),
    Need("training.eval_delay", lambda r: r.training.eval_strategy != "no", "set training.eval_strategy"),
    Need("training.save_steps", lambda r: r.training.save_strategy == "steps", "set training.save_strategy: steps"),
    *(
        Need(f"training.{name}", lambda r: r.training.save_strategy != "no", "set training.save_strategy")
        for name in ("save_total_limit", "save_only_model", "save_on_each_node")
    ),
    Need("training.logging_steps", _logs_on_steps, "set training.logging_strategy: steps"),
    Need("training.greater_is_better", _compares, "set training.metric_for_best_model"),
    Need("training.run_name", _tracked, "set training.report_to"),
    *(
        Need(f"training.{name}", lambda r: _tracked(r, "trackio"), "set training.report_to: trackio")
        for name in ("project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id")
    ),
)


def _evaluation(recipe: Recipe) -> Iterator[Complaint]:
    """What looks at the evaluation's metric needs both, and an evaluation needs rows."""
    training, data = recipe.training, recipe.data
    if data.validation_size == 0 and data.validation is None and training.eval_strategy != "no":
        yield "data.validation_size", "is 0, so that no rows are held out to be scored: set training.eval_strategy: no."
    watchers = {
        "early_stopping": recipe.early_stopping is not None,
        "training.lr_scheduler_type": training.lr_scheduler_type in METRIC_SCHEDULES,
        "training.load_best_model_at_end": training.load_best_model_at_end,
        "training.save_strategy": training.save_strategy == "best",
    }
    for path, present in watchers.items():
        if present and training.eval_strategy == "no":
            yield path, "needs evaluations: set training.eval_strategy to epoch or steps."
        # For the other two, Hugging Face falls back on the loss.
        if present and path in ("early_stopping", "training.save_strategy") and training.metric_for_best_model is None:
            yield path, "needs a metric to watch: set training.metric_for_best_model, for instance to loss."


def _best_model(recipe: Recipe) -> Iterator[Complaint]:
    """The best model can only be loaded if a checkpoint was written at its evaluation."""
    training = recipe.training
    evaluates, saves = training.eval_strategy, training.save_strategy
    if not training.load_best_model_at_end or evaluates == "no" or saves == "best":
        return
    if evaluates != saves:
        strategies = f"found eval_strategy {evaluates} and save_strategy {saves}"
        yield (
            "training.load_best_model_at_end",
            f"needs a checkpoint at each evaluation, {strategies}; make them equal.",
        )
    elif evaluates == "steps" and not _multiple(training.save_steps, training.eval_steps or training.logging_steps):
        yield "training.load_best_model_at_end", "needs training.save_steps to be a multiple of training.eval_steps."


def _multiple(outer: float, inner: float) -> bool:
    """Whether `outer` is a whole multiple of `inner`, both counts or both shares below 1."""
    ratio = outer / inner
    return (outer < 1) == (inner < 1) and abs(ratio - round(ratio)) < 1e-9 and ratio >= 1


CHECKS: Final[tuple[Check, ...]] = (_evaluation, _best_model)
