"""transformers' `Trainer`, whose checkpoints hold all that a run needs to go on with."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import Trainer
from transformers.trainer_callback import ExportableState

from hf_efficient.measure import Observer
from hf_efficient.models.adapter_state import load_checkpoint
from hf_efficient.models.adapters import is_adapted
from hf_efficient.training.checkpoint import keeping_names, writing_checkpoint


class ResumableTrainer(Trainer):
    """transformers' `Trainer` with whole checkpoints: adapters of every method and the state of observers in them."""

    def _observers(self) -> list[Observer]:
        return [callback for callback in self.callback_handler.callbacks if isinstance(callback, Observer)]

    def _determine_best_metric(self, metrics: dict[str, Any], trial: Any) -> bool:
        name = self.args.metric_for_best_model
        if name is not None and metrics.get(name if name.startswith("eval_") else f"eval_{name}", 0) is None:
            return False  # a metric that is undefined is no best one; the stock method compares it and fails
        return super()._determine_best_metric(metrics, trial)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self._takes_adapters():
            return load_checkpoint(self.model, resume_from_checkpoint)
        return super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_best_model(self) -> None:
        # The stock method has peft load it anew, which fails for virtual tokens that are made by a network.
        if self._takes_adapters():
            return load_checkpoint(self.model, str(self.state.best_model_checkpoint))
        return super()._load_best_model()

    def _takes_adapters(self) -> bool:
        return is_adapted(self.model) and not (self.is_fsdp_enabled or self.is_deepspeed_enabled)

    def _load_callback_state(self) -> None:
        observers = {type(observer).__name__: observer for observer in self._observers()}
        stored: Any = self.state.stateful_callbacks
        told = {name: stored.pop(name) for name in observers if name in stored}
        super()._load_callback_state()
        for name, state in told.items():
            observers[name].load_state(state["attributes"])
            stored[name] = state

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        for observer in self._observers():
            observer.before_save()
        known: Any = self.state.stateful_callbacks  # by name, whatever its declared type says
        for callback in self.callback_handler.callbacks:
            # transformers 5.23 fails on one that was not there when the checkpoint resumed from was written.
            if isinstance(callback, ExportableState):
                known.setdefault(type(callback).__name__, callback.state())
        with writing_checkpoint(str(self.args.output_dir), self.state.global_step), keeping_names(self.model):
            super()._save_checkpoint(model, trial)
