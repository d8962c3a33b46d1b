"""Time that this process has spent on filling caches, in a run and in those before it: a clock of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_spent = [0.0, 0.0]


@contextmanager
def filling() -> Iterator[None]:
    """The time that the block takes is that of filling a cache."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        _spent[0] += time.perf_counter() - wall
        _spent[1] += time.process_time() - cpu


def filling_time() -> tuple[float, float]:
    """Wall and CPU seconds so far; as of any clock, only differences mean something."""
    return _spent[0], _spent[1]
