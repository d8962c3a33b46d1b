"""What happens where a micro-batch does not fit memory in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import find_batch_size, slice_tensors
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor, nn

from hf_efficient.errors import PlanError, TryAgainError
from hf_efficient.training.micro_batch import MicroBatch, divisors, largest

Inputs = Mapping[str, Any]
Backward = Callable[[nn.Module, Any, Any], Tensor]
"""Forward and backward pass of a micro-batch; its share of the step's loss."""


@dataclass(frozen=True)
class Smaller:
    """The remedy of a run whose micro-batches were fitted: halve them, and keep that for its next start."""

    micro_batch: MicroBatch
    rows_of_step: int
    """Rows of an optimizer step on each process."""
    path: Path
    processes: int

    def __call__(self, rows: int) -> int:
        """Rows to take where so many do not fit.

        Raises:
            PlanError: a single row does not fit.
            TryAgainError: there are other processes, which can't be asked to run the step again.
        """
        fewer = largest(divisors(self.rows_of_step), lambda size: size <= rows // 2)
        if fewer is None:
            raise PlanError(
                "out of memory with a single row; set data.max_length, training.activation_checkpointing: true, "
                "or take a smaller model."
            )
        reason = f"{rows} ran out of memory in an earlier part of the run"
        replace(self.micro_batch, rows=fewer, reason=reason).write(self.path)
        if self.processes > 1:
            raise TryAgainError(
                f"out of memory with {rows} rows on this device; the same command goes on with {fewer} "
                "and as many more accumulated: try again."
            )
        return fewer


@dataclass
class StepReplay:
    """Runs the micro-batches of an optimizer step; where one does not fit, all of the step again in smaller parts.

    A backward pass that is broken off leaves the gradients of some layers only, hence the whole step. Micro-batches
    that had fitted draw the same random numbers again. Running statistics (BatchNorm) see them twice.
    """

    backward: Backward
    smaller: Callable[[int], int]
    rows: int | None = None
    """Rows of a part; None while every micro-batch has fitted."""
    _step: list[tuple[Inputs, _RandomState]] = field(default_factory=list, repr=False)

    def begin(self) -> None:
        """Start the next step."""
        self._step.clear()

    def __call__(self, model: nn.Module, inputs: Inputs, count: Any) -> Tensor:
        """The loss of the next micro-batch of the step, whose gradients are added."""
        self._step.append((inputs, _RandomState.now()))
        pending = self._step[-1:]
        while (loss := self._attempt(model, pending, count)) is None:
            largest_part = max(find_batch_size(inputs) or 1 for inputs, _ in pending)
            self.rows = self.smaller(min(largest_part, self.rows or largest_part))
            model.zero_grad(set_to_none=True)
            pending = self._step
        return loss

    def _attempt(self, model: nn.Module, pending: list[tuple[Inputs, _RandomState]], count: Any) -> Tensor | None:
        """The loss of the last of these micro-batches; None if memory ran out on the way."""
        loss = None
        try:
            for inputs, random_state in pending:
                random_state.restore()
                loss = torch.stack([self.backward(model, part, count) for part in self._parts(inputs)]).sum()
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            loss = None
        if loss is None:
            clear_device_cache(garbage_collection=True)
        return loss

    def _parts(self, inputs: Inputs) -> Iterator[Inputs]:
        rows = find_batch_size(inputs)
        if self.rows is None or rows is None or rows <= self.rows:
            yield inputs
            return
        for start in range(0, rows, self.rows):
            yield slice_tensors(inputs, slice(start, start + self.rows))


@dataclass(frozen=True)
class _RandomState:
    """Where torch's generators of the CPU and of the current accelerator stand."""

    cpu: Tensor
    device: Tensor | None

    @classmethod
    def now(cls) -> _RandomState:
        accelerator = torch.accelerator.current_accelerator()
        device = None if accelerator is None else torch.get_device_module(accelerator).get_rng_state()
        return cls(torch.get_rng_state(), device)

    def restore(self) -> None:
        torch.set_rng_state(self.cpu)
        if self.device is not None:
            torch.get_device_module(torch.accelerator.current_accelerator()).set_rng_state(self.device)
