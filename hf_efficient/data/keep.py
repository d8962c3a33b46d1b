"""Which rows are kept of those that were scored."""

from __future__ import annotations

import numpy as np

from hf_efficient.data.batches import Indices
from hf_efficient.data.difficulty import Scores
from hf_efficient.data.randomness import generator_for
from hf_efficient.errors import DataError


def kept_rows(
    num_rows: int,
    share: float,
    scores: Scores | None,
    *,
    strata: Indices | None = None,
    hardest: bool = True,
    seed: int = 0,
) -> Indices:
    """Numbers, ascending, of the rows that are kept: a share of all of them, or of each stratum; equal ones at random.

    Args:
        num_rows: how many rows there are.
        share: what is kept of them.
        scores: the difficulty of each row; None to keep random ones.
        strata: the stratum of each row, if the share is that of each one, and at least a row.
        hardest: keep the highest scores, and not the lowest.
        seed: what ties, or random rows, are drawn from.

    Raises:
        DataError: no row would be left.
    """
    ties = generator_for("prune", seed).permutation(num_rows)
    keys = ties if scores is None else (-scores if hardest else scores)
    groups = np.zeros(num_rows, dtype=np.int64) if strata is None else strata
    kept = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        best = rows[np.lexsort((ties[rows], keys[rows]))]
        least = 0 if strata is None else 1  # no class is lost
        kept.append(best[: max(least, round(share * len(rows)))])
    chosen: Indices = np.sort(np.concatenate(kept))
    if not len(chosen):
        raise DataError(f"prune.keep: {share:g} of {num_rows} rows leaves none; keep more.")
    return chosen
