"""Random numbers that belong to one purpose: equal seeds of two purposes have nothing in common."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def data_seed(args: Any) -> int:
    """What choices among the training rows are drawn from, as a run's arguments say."""
    return int(args.seed if args.data_seed is None else args.data_seed)


def generator_for(*purpose: str | int) -> np.random.Generator:
    """A generator drawn from what it is for: a name, and numbers of 0 or more such as the seed and the epoch.

    Splits, the orders of rows and active learning have no name, so that they stay what they were: equal numbers draw
    the same for all of them, and a 0 at the end changes nothing.
    """
    return np.random.default_rng([zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose])
