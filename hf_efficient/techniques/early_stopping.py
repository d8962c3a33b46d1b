"""Early stopping, with its patience in evaluations or in epochs, as the recipe says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_efficient.errors import PlanError, did_you_mean
from hf_efficient.recipe.early_stopping import EarlyStopping

if TYPE_CHECKING:
    from hf_efficient.plan import Plan


def apply(plan: Plan, section: EarlyStopping) -> Plan:
    """The plan that stops when `args.metric_for_best_model` (default `loss`) has stopped getting better.

    Raises:
        PlanError: the run never evaluates, so there is nothing to watch.
    """
    if plan.args is None or plan.args.eval_strategy == "no" or plan.eval_dataset is None:
        raise PlanError("early_stopping watches evaluations; set training.eval_strategy and give validation rows.")
    return plan.with_callback(StopEarly(**section.model_dump()))


class StopEarly(TrainerCallback, ExportableState):
    """Counts evaluations or epochs since the best value; its state travels in the checkpoint."""

    def __init__(
        self, patience_evaluations: int | None = None, patience_epochs: float | None = None, threshold: float = 0.0
    ) -> None:
        self.patience_evaluations = patience_evaluations
        self.patience_epochs = patience_epochs
        self.threshold = threshold
        self.best: float | None = None
        self.best_epoch = 0.0
        self.evaluations_since_best = 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to re-create the callback; JSON."""
        return {
            "args": {
                "patience_evaluations": self.patience_evaluations,
                "patience_epochs": self.patience_epochs,
                "threshold": self.threshold,
            },
            "attributes": {
                "best": self.best,
                "best_epoch": self.best_epoch,
                "evaluations_since_best": self.evaluations_since_best,
            },
        }

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each evaluation."""
        name = args.metric_for_best_model or "loss"
        key, metrics = name if name.startswith("eval_") else f"eval_{name}", kwargs["metrics"]
        if key not in metrics:
            raise PlanError(
                f"early_stopping watches {key}, and the evaluation gives {', '.join(metrics)}; "
                f"set metric_for_best_model.{did_you_mean(key, metrics)}"
            )
        value = metrics[key]
        greater_is_better = bool(args.greater_is_better)  # None: nothing but the loss was named
        if self.observe(value, state.epoch or 0.0, greater_is_better=greater_is_better):
            control.should_training_stop = True

    def observe(self, value: float | None, epoch: float, *, greater_is_better: bool) -> bool:
        """Take note of a value, None if it is undefined; True if patience has run out."""
        if value is not None and self._is_better(value, greater_is_better):
            self.best, self.best_epoch, self.evaluations_since_best = value, epoch, 0
            return False
        self.evaluations_since_best += 1
        if self.patience_evaluations is not None:
            return self.evaluations_since_best >= self.patience_evaluations
        assert self.patience_epochs is not None
        return epoch - self.best_epoch >= self.patience_epochs - 1e-6

    def _is_better(self, value: float, greater_is_better: bool) -> bool:
        if self.best is None:
            return True
        return (value - self.best) * (1 if greater_is_better else -1) > self.threshold
