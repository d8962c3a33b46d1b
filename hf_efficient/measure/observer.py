"""Callbacks that also see the rows of each micro-batch that is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState


class Observer(TrainerCallback, ExportableState):
    """A callback that `EfficientTrainer` tells which rows are fed, and what they cost.

    Its state travels in the checkpoint. Where a run goes on it is told that state: the stock Trainer would make a new
    callback out of it, which knows nothing of the run.
    """

    def on_rows(self, rows: Any) -> None:
        """Called with the numbers of the rows of a micro-batch, shape (samples,), before its forward pass."""

    def on_losses(self, batch: Any, rows: Any) -> None:
        """Called with a micro-batch after its forward pass, and its labels' losses (`Batch` and `Rows` of `losses`).

        Where memory ran out the rows of a step may come a second time.
        """

    def before_save(self) -> None:
        """Called on every process before a checkpoint is written: `state` is taken from the first one."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds; JSON."""
        return {"args": {}, "attributes": {}}

    def load_state(self, attributes: Mapping[str, Any]) -> None:
        """Called with the `attributes` of a checkpoint's state before training goes on."""
