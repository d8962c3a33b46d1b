"""What the Trainer gets wrong about epochs: who is told them, what comes at their end, and runs that have none."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from hf_efficient.data.epochs import epoch_of


class SetEpoch(TrainerCallback):
    """Tells samplers the epoch: on several processes accelerate forgets to after a resume (accelerate 1.15)."""

    def __init__(self) -> None:
        self.samplers: list[Any] = []

    def add(self, sampler: Any) -> None:
        """Tell this one too, if it wants to know."""
        if hasattr(sampler, "set_epoch"):
            self.samplers.append(sampler)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first batch of an epoch is drawn."""
        for sampler in self.samplers:
            sampler.set_epoch(epoch_of(state))


class SaveAfterEvaluation(TrainerCallback):
    """Holds a checkpoint that falls on the end of an epoch back until the epoch has been evaluated.

    transformers 5.23 saves by steps before it evaluates by epochs. A run that goes on from such a checkpoint would
    never do that evaluation, nor draw the random numbers that it drew, and part from an uninterrupted run.
    """

    def __init__(self) -> None:
        self._held = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Takes the wish to save away where an evaluation follows this step."""
        if not control.should_save or args.eval_strategy != "epoch":
            return
        if control.should_training_stop or float(state.epoch).is_integer():
            control.should_save, self._held = False, True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Gives it back; the Trainer evaluates first and saves second."""
        if self._held:
            control.should_save, self._held = True, False


class WithoutEpochs(TrainerCallback):
    """Takes the epoch away where rows stream: nobody counts them, and the Trainer gives the share of its steps."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called before the step is logged."""
        state.epoch = None
