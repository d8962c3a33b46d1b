"""The largest amount of memory that the run has held."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class PeakMemory:
    """A number of bytes, and what it was read from: `cuda` (allocated tensors) or `process` (resident set)."""

    num_bytes: int
    kind: str


def peak_memory() -> PeakMemory:
    """Peak of this process so far: of its GPU where it uses one, else of its resident set, libraries included."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated() > 0:
        return PeakMemory(torch.cuda.max_memory_allocated(), "cuda")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, KiB elsewhere
    return PeakMemory(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "process")
