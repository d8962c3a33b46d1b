"""Which rows are worth a label: a score for each row of the pool, or a set that is built greedily.

Probabilities are (rows, classes), embeddings (rows, width), members (members, rows, classes): over the whole pool.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Rows = NDArray[np.int64]

_CENTRES = 256
"""To which distances are taken at a time."""
_TINY = np.finfo(np.float64).tiny


def least_confidence(probabilities: Array) -> Array:
    """1 less the probability of the likeliest class (Lewis & Gale 1994)."""
    return np.asarray(1.0 - probabilities.max(axis=1))


def margin(probabilities: Array) -> Array:
    """1 less the distance between the two likeliest classes (Scheffer et al. 2001)."""
    two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(1.0 - (two[:, 1] - two[:, 0]))


def entropy(probabilities: Array) -> Array:
    """Entropy of the prediction in nats (Shannon 1948)."""
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, _TINY))).sum(axis=-1))


def bald(members: Array) -> Array:
    """How much the members disagree: entropy of their mean less their mean entropy (Houlsby 2011; Gal 2017)."""
    return np.asarray(entropy(members.mean(axis=0)) - entropy(members).mean(axis=0))


def contrastive(probabilities: Array, embeddings: Array, labelled: Rows, neighbours: int) -> Array:
    """Mean KL divergence from the predictions of the nearest labelled rows to the row's own (Margatina et al. 2021)."""
    from sklearn.neighbors import NearestNeighbors

    log = np.log(np.maximum(probabilities, _TINY))
    index = NearestNeighbors(n_neighbors=min(neighbours, len(labelled))).fit(embeddings[labelled])
    nearest = labelled[index.kneighbors(embeddings, return_distance=False)]
    scores = np.zeros(len(probabilities))
    for column in nearest.T:
        scores += (probabilities[column] * (log[column] - log)).sum(axis=1)
    return np.asarray(scores / nearest.shape[1])


def highest(scores: Array, candidates: Rows, size: int, generator: np.random.Generator) -> Rows:
    """The candidates of the highest scores, best first; equal ones in random order."""
    order = np.lexsort((generator.random(len(candidates)), -scores[candidates]))
    return candidates[order[:size]]


def highest_of_each(
    scores: Array, predicted: Rows, candidates: Rows, size: int, generator: np.random.Generator
) -> Rows:
    """The best candidate of each predicted class, then the second of each, and so on."""
    ordered = highest(scores, candidates, len(candidates), generator)
    rank = np.zeros(len(ordered), dtype=np.int64)
    for name in np.unique(predicted[ordered]):
        mine = predicted[ordered] == name
        rank[mine] = np.arange(mine.sum())
    return ordered[np.argsort(rank, kind="stable")[:size]]


def core_set(embeddings: Array, labelled: Rows, candidates: Rows, size: int) -> tuple[Rows, Array]:
    """Rows that leave no candidate far from a labelled one: always the farthest (k-centre greedy).

    Gives the rows and how far each was from its nearest labelled or chosen row (Sener & Savarese 2018).
    """
    points = embeddings[candidates]
    centres = embeddings[labelled] if len(labelled) else points.mean(axis=0, keepdims=True)
    nearest = _squared_distances(points, centres)
    chosen, distances = [], []
    for _ in range(min(size, len(candidates))):
        farthest = int(nearest.argmax())
        chosen.append(farthest)
        distances.append(np.sqrt(nearest[farthest]))
        np.minimum(nearest, _squared_distances(points, points[[farthest]]), out=nearest)
        nearest[farthest] = -np.inf
    return candidates[chosen], np.asarray(distances)


def _squared_distances(points: Array, centres: Array) -> Array:
    """From each point to its nearest centre."""
    squares, nearest = (points**2).sum(axis=1), np.full(len(points), np.inf)
    for few in np.array_split(centres, -(-len(centres) // _CENTRES)):
        distances = squares[:, None] + (few**2).sum(axis=1) - 2 * points @ few.T
        np.minimum(nearest, distances.min(axis=1), out=nearest)
    return np.asarray(np.maximum(nearest, 0.0))


def badge(
    probabilities: Array, embeddings: Array, candidates: Rows, size: int, generator: np.random.Generator
) -> tuple[Rows, Array]:
    """Rows whose gradients are large and differ: k-means++ over those of the last layer (BADGE, Ash et al. 2020).

    The gradient of a row, for the class that it is predicted, is the outer product of its error (p less one-hot) and
    its embedding; distances follow from the two factors, and no product is made. Gives the rows and the norms of their
    gradients.
    """
    errors, points = probabilities[candidates].copy(), embeddings[candidates]
    errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1.0
    norms = (errors**2).sum(axis=1) * (points**2).sum(axis=1)
    chosen = [int(norms.argmax())]
    nearest = np.full(len(candidates), np.inf)
    while len(chosen) < min(size, len(candidates)):
        last = chosen[-1]
        products = (errors @ errors[last]) * (points @ points[last])
        np.minimum(nearest, np.maximum(norms + norms[last] - 2 * products, 0.0), out=nearest)
        nearest[chosen] = 0.0
        chosen.append(_drawn(nearest, chosen, generator))
    return candidates[chosen], np.sqrt(norms[chosen])


def _drawn(weights: Array, taken: list[int], generator: np.random.Generator) -> int:
    """A place drawn in proportion to its weight; one that is not taken where all weights are 0."""
    total = weights.sum()
    if total > 0:
        return int(generator.choice(len(weights), p=weights / total))
    return int(generator.choice(np.setdiff1d(np.arange(len(weights)), taken)))
