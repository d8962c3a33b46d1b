"""Layers that are frozen at first and thaw one after the other, from the top down (arXiv 1801.06146)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from hf_efficient.models.depth import Depth


@dataclass(frozen=True)
class Turn:
    """Parts of a model that thaw together."""

    parts: tuple[str, ...]
    """In words, e.g. `layer 3`."""
    names: tuple[str, ...]
    """Of the parameters that are trained from then on."""


@dataclass(frozen=True)
class Thawing:
    """What thaws when; nothing, if there are no turns."""

    turns: tuple[Turn, ...] = ()
    every_epochs: int | None = None
    every_steps: int | None = None

    def taken(self, state: Any) -> int:
        """How many turns have come, by the Trainer's state before a step: the same whether it was resumed or not."""
        if not self.turns:
            return 0
        if self.every_steps is not None:
            come = state.global_step // self.every_steps
        else:
            come = (state.epoch or 0) // (self.every_epochs or 1)
        return min(int(come), len(self.turns))

    def begins(self, state: Any) -> bool:
        """Whether the first turn comes before the run ends."""
        if self.every_steps is not None:
            return bool(self.every_steps < state.max_steps)
        return bool((self.every_epochs or 1) < state.num_train_epochs)

    def names(self, num_turns: int) -> set[str]:
        """The parameters that have thawed after so many turns."""
        return {name for turn in self.turns[:num_turns] for name in turn.names}


def turns_of(depth: Depth, num_layers: int, *, at_a_time: int, stays: Collection[str]) -> Iterator[Turn]:
    """Turns in which the `num_layers` lowest layers and then the embeddings thaw; `stays` is never trained."""
    parts = [("the embeddings", depth.embeddings), *((f"layer {n}", depth.layers[n]) for n in range(num_layers))]
    parts.reverse()
    for first in range(0, len(parts), at_a_time):
        together = parts[first : first + at_a_time]
        names = (name for _, names in together for name in names if name not in stays)
        yield Turn(tuple(words for words, _ in together), tuple(names))
