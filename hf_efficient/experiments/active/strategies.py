"""The strategies by their names: from what a model makes of the pool to the rows that are worth a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.experiments.active import acquisition

if TYPE_CHECKING:
    from hf_efficient.experiments.active.acquisition import Array, Rows
    from hf_efficient.experiments.active.learners import Scored
    from hf_efficient.recipe.active import Active


def choose(
    active: Active, scored: Scored, labelled: Rows, candidates: Rows, size: int, generator: np.random.Generator
) -> tuple[Rows, Array]:
    """The rows that a strategy wants labelled, and the score of each."""
    if active.strategy in ("core_set", "badge"):
        assert scored.embeddings is not None
        embeddings = scored.embeddings.astype(np.float64)
        if active.strategy == "core_set":
            return acquisition.core_set(embeddings, labelled, candidates, size)
        return acquisition.badge(scored.probabilities, embeddings, candidates, size, generator)
    scores = _scores(active, scored, labelled, generator)
    if active.balanced:
        rows = acquisition.highest_of_each(scores, scored.predicted, candidates, size, generator)
    else:
        rows = acquisition.highest(scores, candidates, size, generator)
    return rows, scores[rows]


def _scores(active: Active, scored: Scored, labelled: Rows, generator: np.random.Generator) -> Array:
    """Of each row of the pool: the higher, the more its label is worth."""
    match active.strategy:
        case "least_confidence":
            return acquisition.least_confidence(scored.probabilities)
        case "margin":
            return acquisition.margin(scored.probabilities)
        case "entropy":
            return acquisition.entropy(scored.probabilities)
        case "bald":
            assert scored.members is not None
            return acquisition.bald(scored.members)
        case "contrastive":
            assert scored.embeddings is not None
            return acquisition.contrastive(scored.probabilities, scored.embeddings, labelled, active.neighbours)
    return generator.random(len(scored.probabilities))
