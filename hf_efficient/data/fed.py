"""Which rows a process was fed in an epoch, compared with those that it was meant to be fed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import xxhash
from torch.utils.data import BatchSampler

from hf_efficient.data.batches import Batches, Indices, Split
from hf_efficient.data.drawn import DrawnRows
from hf_efficient.data.images import without_bars
from hf_efficient.losses.rows import ROW_NUMBER


def digest_of(rows: Indices, before: str = "") -> str:
    """A hash of row numbers in their order, in hex; of those that follow on others, whose hash is `before`."""
    return xxhash.xxh3_128(before.encode() + np.asarray(rows, dtype="<i8").tobytes()).hexdigest()


def rows_of_process(
    order: Iterable[int], epoch: int, batches: Batches | None, split: Split, process: int, *, seed: int, drop_last: bool
) -> Indices:
    """The rows of an epoch that one process is to be fed, one after another: made anew, not asked of the loader."""
    from accelerate.data_loader import BatchSamplerShard

    sampler: Any
    if batches is None:
        sampler = BatchSampler(order, split.micro_batch, drop_last)
    else:
        sampler = batches.sampler(split, seed=seed, order=order, drop_last=drop_last)
        sampler.set_epoch(epoch)
    if split.processes > 1:
        sampler = BatchSamplerShard(sampler, split.processes, process, even_batches=batches is None)
    return np.asarray([row for batch in sampler for row in batch], dtype=np.int64)


@dataclass
class Fed:
    """The rows that a process was fed so far."""

    digest: str | None = ""
    """Of all micro-batches, empty where there was none; None where some of them are not known."""
    num_rows: int = 0
    as_meant: bool = True

    def add(self, rows: Indices, meant: Indices) -> None:
        """Take note of a micro-batch; `meant` are the rows of the whole epoch."""
        if self.digest is None:
            return
        expected = meant[self.num_rows : self.num_rows + len(rows)]
        self.as_meant = self.as_meant and np.array_equal(rows, expected)
        self.digest = digest_of(rows, self.digest)
        self.num_rows += len(rows)

    def finish(self, meant: Indices) -> None:
        """Take note that the epoch is over, and nothing of it may be missing."""
        self.as_meant = self.as_meant and self.num_rows == len(meant)


class FedEpochs:
    """The rows that each process was fed, epoch by epoch."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []
        """What is known of each epoch; JSON."""
        self.is_under_way = False
        """Whether this part of the run has begun an epoch."""
        self._fed: list[Fed] = []
        """Of each process, in the last epoch."""
        self._meant: Indices = np.zeros(0, dtype=np.int64)
        """The rows that this process is to be fed in it."""
        self._rows: list[torch.Tensor] = []
        """Of micro-batches that are not in `_fed` yet."""

    def begin(self, epoch: Mapping[str, Any], meant: Indices, num_processes: int) -> None:
        """An epoch begins, or goes on that an earlier part of the run has begun."""
        self._meant, self.is_under_way = meant, True
        if self.epochs and self.epochs[-1]["epoch"] == epoch["epoch"]:
            if len(self._fed) != num_processes:
                self._fed = [Fed(digest=None) for _ in range(num_processes)]
            return
        self._fed = [Fed() for _ in range(num_processes)]
        self.epochs.append(dict(epoch))

    def add(self, rows: torch.Tensor) -> None:
        """Take note of a micro-batch of this process."""
        self._rows.append(rows)

    def own(self, process: int, *, finished: bool) -> Fed:
        """What this process was fed up to now, or to the end of the epoch."""
        own, rows, self._rows = self._fed[process], self._rows, []
        for few in rows:
            own.add(few.cpu().numpy(), self._meant)
        if finished:
            own.finish(self._meant)
        return own

    def know(self, fed: Sequence[Fed]) -> None:
        """Take note of what each process was fed."""
        self._fed = list(fed)
        known = all(each.digest for each in fed)
        self.epochs[-1]["fed"] = [each.digest or None for each in fed]
        self.epochs[-1]["as_meant"] = all(each.as_meant for each in fed) if known else None

    def state(self) -> dict[str, Any]:
        """All that is known, for JSON."""
        return {"epochs": [dict(epoch) for epoch in self.epochs], "fed": [asdict(fed) for fed in self._fed]}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> FedEpochs:
        """What is known, before the run goes on."""
        found = cls()
        found.epochs = [dict(epoch) for epoch in state["epochs"]]
        found._fed = [Fed(**fed) for fed in state["fed"]]
        return found


def all_as_meant(epochs: Sequence[bool | None]) -> bool | None:
    """Whether all epochs were fed as they were meant; None where it is not known of one, and the others were."""
    if False in epochs:
        return False
    return None if None in epochs or not epochs else True


class NumberedRows:
    """Rows of a sequence, each with its number in its epoch."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], rows_per_epoch: int) -> None:
        self.rows = rows
        self.rows_per_epoch = rows_per_epoch

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return {**self.rows[number], ROW_NUMBER: number % self.rows_per_epoch}


def numbered(rows: Any, rows_per_epoch: int) -> Any:
    """The rows with the number that each has in its epoch, in a column of its own."""
    if isinstance(rows, DrawnRows):
        return rows.numbered()
    if hasattr(rows, "add_column"):
        with without_bars():
            return rows.add_column(ROW_NUMBER, np.arange(len(rows)) % rows_per_epoch)
    return NumberedRows(rows, rows_per_epoch)


@dataclass(frozen=True)
class NumberingCollator:
    """A collator whose batches have the numbers of their rows."""

    collator: Callable[[Sequence[Mapping[str, Any]]], Any]

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        """A batch."""
        batch = self.collator([{name: row[name] for name in row if name != ROW_NUMBER} for row in features])
        if ROW_NUMBER in features[0]:  # rows that are scored have none
            batch[ROW_NUMBER] = torch.tensor([row[ROW_NUMBER] for row in features])
        return batch
