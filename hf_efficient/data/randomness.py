"""Random numbers that belong to one purpose: equal seeds of two purposes have nothing in common."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def data_seed(args: Any) -> int:
    """What choices among the training rows are drawn from, as a run's arguments say."""
    return int(args.seed if args.data_seed is None else args.data_seed)


def generator_for(purpose: str, *numbers: int) -> np.random.Generator:
    """A generator drawn from the name of what it is for, and from numbers of 0 or more."""
    return np.random.default_rng([zlib.crc32(purpose.encode()), *numbers])
