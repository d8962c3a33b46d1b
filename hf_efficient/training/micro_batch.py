"""The size of a micro-batch that was found for a run, kept in its directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hf_efficient.report.write import write_whole


def divisors(rows: int) -> list[int]:
    """Sizes of a micro-batch that divide the rows of a step evenly, the smallest first."""
    return [size for size in range(1, rows + 1) if rows % size == 0]


def largest(sizes: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The largest size that fits, found by halving; None if none does. A size fits if a larger one does."""
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(sizes[middle]) else (low, middle)
    return sizes[low - 1] if low else None


@dataclass(frozen=True)
class MicroBatch:
    """Rows of a micro-batch on each device, and how they were found."""

    rows: int
    reason: str
    recipe_digest: str
    """Recipe that they were found for; another one needs another search."""

    def write(self, path: Path) -> None:
        """Keep it for the next start of the run.

        Raises:
            RunDirectoryError: the file can't be written.
        """
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path, recipe_digest: str) -> MicroBatch | None:
        """What an earlier start of the same recipe has found, if any."""
        try:
            found = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # it can be found again
            return None
        return found if found.recipe_digest == recipe_digest else None
