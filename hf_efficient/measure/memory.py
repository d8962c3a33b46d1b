"""The largest amount of memory that the run has held, and how much there is."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
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


def resident_memory() -> int:
    """Bytes that this process holds in main memory now."""
    return int(psutil.Process().memory_info().rss)


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of main memory that are free for new work, of the machine or of the container, whichever has less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:  # no cgroup of version 2
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - int(used)))
