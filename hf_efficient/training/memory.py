"""How much memory a training step will take, from two small trial passes that leave no trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hf_efficient.measure import LiveBytes, resident_memory
from hf_efficient.training.eight_bit import eight_bit_weights, is_eight_bit
from hf_efficient.training.loading import longest_first

if TYPE_CHECKING:
    from hf_efficient.training.trainer import EfficientTrainer

TRIAL_SIZES = (2, 3)
"""Rows of the trial passes; a single row takes short cuts."""

_KEPT_ON_CPU = {"fp32": 0.5, "bf16": 1.0}
"""What malloc keeps of freed tensors and kernels take for themselves, as a share of the activations; measured in
docs/results/memory.md."""

_BYTES_OF_STATE = {
    "adafactor": 0.0,  # a row and a column for each matrix
    "adagrad": 4.0,
    "ademamix": 12.0,
    "ademamix_8bit": 3.0,
    "adamw_8bit": 2.0,
    "adamw_bnb_8bit": 2.0,
    "adamw_torch_4bit": 1.0,
    "adamw_torch_8bit": 2.0,
    "lion_32bit": 4.0,
    "lion_8bit": 1.0,
    "lomo": 0.0,
    "paged_adamw_8bit": 2.0,
    "paged_ademamix_32bit": 12.0,
    "paged_ademamix_8bit": 3.0,
    "paged_lion_32bit": 4.0,
    "paged_lion_8bit": 1.0,
    "rmsprop": 4.0,
    "rmsprop_bnb": 4.0,
    "rmsprop_bnb_32bit": 4.0,
    "rmsprop_bnb_8bit": 1.0,
    "sgd": 0.0,
}
_BYTES_OF_ADAM = 8.0
"""Of each trainable parameter: two numbers in fp32."""


@dataclass(frozen=True)
class StepMemory:
    """Bytes that a training step takes on one device; an estimate.

    Parameters, gradients and the optimizer's state are counted. What a micro-batch takes on top is extrapolated: two
    trial passes over few of the longest rows record the bytes of tensors alive after each operation, and each is taken
    to grow by the same amount with each row.
    """

    parameters: int
    gradients: int
    optimizer: int
    rest: int
    """On a CPU, what else the process holds: libraries and rows."""
    kept_by_allocator: float
    """What is kept of freed tensors or taken by kernels, as a share of the activations."""
    at_no_row: NDArray[np.float64]
    per_row: NDArray[np.float64]
    """Bytes alive after each operation of a pass: `at_no_row + rows × per_row`."""

    def activations(self, rows: int) -> int:
        """Peak of what the forward and backward pass of a micro-batch makes."""
        return int((self.at_no_row + rows * self.per_row).max())

    def allocator(self, rows: int) -> int:
        """What the allocator keeps of freed tensors, and kernels take for themselves."""
        return int(self.kept_by_allocator * self.activations(rows))

    def needed(self, rows: int) -> int:
        """What is not held yet before the first step."""
        return self.gradients + self.optimizer + self.activations(rows) + self.allocator(rows)

    def total(self, rows: int) -> int:
        """Peak of a run with micro-batches of this many rows."""
        return self.parameters + self.rest + self.needed(rows)


def step_memory(trainer: EfficientTrainer) -> StepMemory:
    """The memory of the trainer's steps. The passes are made with few rows on the device of the run."""
    model: Any = trainer.model
    args = trainer.args
    parameters = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    sizes = [min(size, len(trainer.train_dataset)) for size in TRIAL_SIZES]  # type: ignore[arg-type]
    on_cpu = args.device.type == "cpu"
    small, large = (_bytes_alive(trainer, size) for size in sizes)
    at_no_row, per_row = _lines(small, large, *sizes)
    return StepMemory(
        parameters=parameters,
        gradients=sum(weight.nbytes for weight in trained_weights(trainer)),
        optimizer=optimizer_memory(trainer),
        rest=max(0, resident_memory() - parameters) if on_cpu else 0,
        kept_by_allocator=_KEPT_ON_CPU["bf16" if args.bf16 else "fp32"] if on_cpu else 0.0,
        at_no_row=at_no_row,
        per_row=per_row,
    )


def trained_weights(trainer: EfficientTrainer) -> list[torch.nn.Parameter]:
    """Parameters that have a gradient."""
    model: Any = trainer.model
    return [weight for weight in model.parameters() if weight.requires_grad]


def optimizer_memory(trainer: EfficientTrainer) -> int:
    """Bytes of the state that the optimizer will keep; one that is not in the table is taken for an Adam."""
    name = str(getattr(trainer.args.optim, "value", trainer.args.optim))
    trained = sum(weight.numel() for weight in trained_weights(trainer))
    of_each = _BYTES_OF_STATE.get(name, _BYTES_OF_ADAM)
    if not is_eight_bit(name):
        return int(of_each * trained)
    gain = sum(weight.numel() for weight in eight_bit_weights(trainer.model))
    return int(of_each * gain + 4 * of_each * (trained - gain))


def _lines(
    small: Sequence[int], large: Sequence[int], few: int, more: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intercepts and slopes of the bytes alive, from passes over few and over some more rows."""
    if few == more:  # there are no more rows
        return np.zeros(1), np.asarray([max(large) / more])
    if len(small) != len(large):  # a pass that works on pieces of the batch has more operations for more rows
        small, large = [max(small)], [max(large)]
    a, b = np.asarray(small, dtype=np.float64), np.asarray(large, dtype=np.float64)
    slopes = (b - a) / (more - few)
    return a - few * slopes, slopes


def _bytes_alive(trainer: EfficientTrainer, rows: int) -> list[int]:
    live = LiveBytes()
    with untouched(trainer), holding_gradients(trainer), live:
        forward_backward(trainer, rows)
    return live.after_operation


def forward_backward(trainer: EfficientTrainer, rows: int) -> None:
    """One pass over the longest training rows, as in a training step."""
    model: Any = trainer.model
    data: Any = trainer.train_dataset
    collator: Any = trainer.data_collator
    order = longest_first(data)
    indices = range(rows) if order is None else order[:rows].tolist()
    inputs = trainer._prepare_inputs(collator([data[int(index)] for index in indices]))
    with trainer.accelerator.autocast():
        loss = trainer.compute_loss(model, inputs)
    loss.backward()


@contextmanager
def holding_gradients(trainer: EfficientTrainer) -> Iterator[None]:
    """Gradients are there already, as in the second micro-batch of a step."""
    for weight in trained_weights(trainer):
        weight.grad = torch.zeros_like(weight)
    yield


@contextmanager
def untouched(trainer: EfficientTrainer) -> Iterator[None]:
    """Gives back weights' gradients, buffers and random numbers as they were before the block."""
    model: Any = trainer.model
    args = trainer.args
    was_training = model.training
    model.train()
    if args.activation_checkpointing:  # the Trainer does it when it starts to train
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=args.activation_checkpointing_kwargs)
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = [] if args.device.type == "cpu" else [args.device.index or 0]
    try:
        with torch.random.fork_rng(devices, device_type="cuda" if not devices else args.device.type):
            yield
    finally:
        model.zero_grad(set_to_none=True)
        model.train(was_training)
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
