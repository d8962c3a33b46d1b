"""A short training that only serves to see how difficult rows are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from hf_efficient.data.batches import Batches, Indices, Split
from hf_efficient.losses.rows import Batch, Rows
from hf_efficient.losses.supervised import Supervised
from hf_efficient.models.cached_rows import fed

ROWS_OF_STEP: Final = 16

Watch = Callable[[Indices, Batch, Rows], None]
"""Told of each step: the numbers of its rows, its batch and the labels' losses."""


@dataclass(frozen=True)
class BriefTraining:
    """A model trained on rows for some epochs, in steps of 16 rows with AdamW, its rate falling to 0 in a line."""

    model: Any
    """It is trained in place: a copy that nobody else has."""
    rows: Any
    collator: Callable[[Sequence[Any]], Mapping[str, Any]]
    labels: Supervised
    lengths: Indices
    epochs: float
    learning_rate: float
    seed: int
    device: torch.device
    autocast: torch.dtype | None = None

    def __call__(self, watch: Watch | None = None) -> Any:
        """The trained model, in evaluation mode. The global random numbers are as they were."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            model = self.model.to(self.device).train()
            steps = self.steps()
            optimizer = torch.optim.AdamW((w for w in model.parameters() if w.requires_grad), lr=self.learning_rate)
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / len(steps))
            for numbers in steps:
                self._step(model, optimizer, numbers, watch)
                schedule.step()
        return model.eval()

    def steps(self) -> list[Indices]:
        """Numbers of the rows of each step."""
        sampler = Batches(self.lengths).sampler(Split(ROWS_OF_STEP, 1, 1), seed=self.seed)
        return list(_some(sampler, math.ceil(self.epochs * len(sampler))))

    def _step(self, model: Any, optimizer: torch.optim.Optimizer, numbers: Indices, watch: Watch | None) -> None:
        columns = batch_of(self.rows, numbers, self.collator, self.device)
        feed = fed(columns)
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            outputs = model(**feed)
        batch = Batch(feed, {name: columns[name] for name in columns if name not in feed}, outputs)
        rows = self.labels.rows(batch)
        loss: Tensor = rows.values.sum() / rows.mask.sum().clamp(min=1)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if watch is not None:
            watch(numbers, batch, rows)


def _some(sampler: Any, number: int) -> Iterator[Indices]:
    """So many steps, epoch after epoch."""
    for epoch in range(math.ceil(number / len(sampler))):
        sampler.set_epoch(epoch)
        yield from sampler.steps()[: number - epoch * len(sampler)]


def batch_of(rows: Any, numbers: Indices, collator: Callable[[Any], Mapping[str, Any]], device: Any) -> dict[str, Any]:
    """Some rows as a batch on a device."""
    places = [int(number) for number in numbers]
    picked = rows.__getitems__(places) if hasattr(rows, "__getitems__") else [rows[place] for place in places]
    batch = collator(picked)
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in batch.items()}
