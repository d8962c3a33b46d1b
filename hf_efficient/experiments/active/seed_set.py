"""The rows that are labelled before there is a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.data.split import strata_of, subset

if TYPE_CHECKING:
    from hf_efficient.experiments.active.acquisition import Array, Rows


def random_rows(candidates: Rows, size: int, generator: np.random.Generator) -> Rows:
    """Any candidates."""
    return generator.permutation(candidates)[:size]


def stratified_rows(candidates: Rows, labels: list[str], size: int, seed: int) -> Rows:
    """Candidates in the proportions of their labels, at least one of each if they fit."""
    return candidates[subset(strata_of(labels), size, seed)]


def cluster_middles(candidates: Rows, features: Callable[[], Array], size: int, seed: int) -> Rows:
    """Of as many clusters of the features as there are rows to choose, the candidate nearest to each middle.

    Clusters whose middles share a nearest candidate, as of equal rows, give the next nearest one.
    """
    from sklearn.cluster import KMeans

    if size >= len(candidates):
        return candidates
    points = features()[candidates].astype(np.float64)
    distinct = min(size, len(np.unique(points, axis=0)))
    middles = KMeans(distinct, n_init=1, max_iter=50, random_state=seed).fit(points).cluster_centers_
    chosen: list[int] = []
    for middle in np.resize(middles, (size, points.shape[1])):
        order = ((points - middle) ** 2).sum(axis=1).argsort(kind="stable")
        chosen.append(next(int(place) for place in order if place not in chosen))
    return candidates[chosen]
