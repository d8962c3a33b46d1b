"""Time that a run spends on training steps."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_efficient.measure.filling import filling_time


class Stopwatch(TrainerCallback, ExportableState):
    """Wall and CPU seconds of the training steps, loading of batches included, evaluation and saving left out.

    CPU seconds are those of this process: what data-loader workers compute is not among them.

    What other callbacks prepare before the first step, such as a teacher's answers, is counted with the steps if this
    one comes before them. Its state travels in the checkpoint, so that an interrupted run counts every step that its
    result is made of.
    """

    def __init__(self, seconds: float = 0.0, cpu_seconds: float = 0.0) -> None:
        """A stopwatch that stands at what was spent on filling caches before there was a trainer."""
        self.seconds = self.cache_seconds = seconds
        self.cpu_seconds = self.cache_cpu_seconds = cpu_seconds
        self.steps = 0
        self._mark = (0.0, 0.0)
        self._filled = (0.0, 0.0)
        self._prepares = False

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to go on counting; JSON."""
        names = ("seconds", "cpu_seconds", "cache_seconds", "cache_cpu_seconds", "steps")
        return {"args": {}, "attributes": {name: getattr(self, name) for name in names}}

    def _start(self) -> None:
        self._mark = (time.perf_counter(), time.process_time())
        self._filled = filling_time()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start of the run or of its continuation."""
        self._start()
        self._prepares = True

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """What came before the epoch is no training step, save what was prepared before the first one."""
        if self._prepares:
            self._count()
        self._prepares = False
        self._start()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End of an optimizer step."""
        self.steps += 1
        self._count()

    def _count(self) -> None:
        (wall, cpu), filled = self._mark, self._filled
        self._start()
        self.seconds += self._mark[0] - wall
        self.cpu_seconds += self._mark[1] - cpu
        self.cache_seconds += self._filled[0] - filled[0]
        self.cache_cpu_seconds += self._filled[1] - filled[1]

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An evaluation is no training step."""
        self._start()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Writing a checkpoint is no training step."""
        self._start()
