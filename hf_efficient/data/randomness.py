"""Random numbers that belong to one purpose: equal seeds of two purposes have nothing in common."""

from __future__ import annotations

import zlib

import numpy as np


def generator_for(purpose: str, *numbers: int) -> np.random.Generator:
    """A generator drawn from the name of what it is for, and from numbers of 0 or more."""
    return np.random.default_rng([zlib.crc32(purpose.encode()), *numbers])
