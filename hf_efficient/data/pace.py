"""How the share of rows that are available grows in the course of a training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

START: Final = 0.2
"""Share of the rows to start from, unless the recipe says which."""
STAGES: Final = 5
"""Of the paces that have some, unless the recipe says how many."""
Shares = tuple[float, float]
"""Rows that are available, ranked from the first to come: from one share of them to another."""


def competence(progress: float, start: float, root: float = 2.0) -> float:
    """Share of the rows at a share of the way; its square root is that of Platanios et al. 2019 (arXiv 1903.09848)."""
    low: float = start**root
    grown: float = (progress * (1 - low) + low) ** (1 / root)
    return grown


def linear(progress: float, start: float) -> float:
    """As many more rows in any time."""
    return start + (1 - start) * progress


def exponential(progress: float, start: float) -> float:
    """As many times more rows in any time (Hacohen & Weinshall 2019, arXiv 1904.03626)."""
    grown: float = start ** (1 - progress)
    return grown


def step(progress: float, start: float, stages: int) -> float:
    """As many more rows at the beginning of each stage, all of them after the last."""
    return start + (1 - start) * math.floor(progress * stages) / stages


def baby_steps(progress: float, stages: int) -> Shares:
    """One bucket of equal size more in each stage (Bengio et al. 2009; Cirik et al. 2016, arXiv 1611.06204)."""
    return 0.0, (math.floor(progress * stages) + 1) / stages


def one_pass(progress: float, stages: int) -> Shares:
    """One bucket of equal size in each stage, alone."""
    stage = math.floor(progress * stages)
    return stage / stages, (stage + 1) / stages


GROWING: Final[dict[str, Callable[..., float]]] = {
    "competence": competence,
    "linear": linear,
    "exponential": exponential,
    "step": step,
}
"""Paces with a share to start from."""
IN_BUCKETS: Final[dict[str, Callable[..., Shares]]] = {"baby_steps": baby_steps, "one_pass": one_pass}


@dataclass(frozen=True)
class Pace:
    """A pace with its settings."""

    shares: Callable[[float], Shares]
    """What is available at a share of the way from 0 up to 1."""
    end: float
    """Share of the training after which all rows are available."""

    def at(self, progress: float) -> Shares:
        """What is available when a share of the training is done."""
        way = progress / self.end
        # Sums of shares of epochs may fall short of a whole by a rounding error.
        return (0.0, 1.0) if way >= 1 - 1e-9 else self.shares(way + 1e-12)


def whole(shares: Shares) -> bool:
    """Whether all rows are available."""
    return shares == (0.0, 1.0)
