"""The first rows."""

from __future__ import annotations

import numpy as np

from hf_efficient.experiments.active.seed_set import cluster_middles, random_rows, stratified_rows

CANDIDATES = np.array([0, 1, 2, 5, 6, 7, 8])
FEATURES = np.array([[0.0], [0.1], [0.2], [50.0], [50.0], [10.0], [10.1], [10.3], [10.2]])


def test_of_each_cluster_the_middle():
    rows = cluster_middles(CANDIDATES, lambda: FEATURES, 2, seed=3)
    assert sorted(rows.tolist()) in ([1, 6], [1, 8])  # the middle of 10.0, 10.1, 10.2 and 10.3 lies between two
    again = cluster_middles(CANDIDATES, lambda: FEATURES, 2, seed=3)
    assert rows.tolist() == again.tolist()


def test_equal_rows_give_as_many_as_are_asked_for():
    equal = np.zeros((9, 1))
    assert sorted(cluster_middles(CANDIDATES, lambda: equal, 4, seed=0).tolist()) == [0, 1, 2, 5]
    assert cluster_middles(CANDIDATES, lambda: equal, 99, seed=0).tolist() == CANDIDATES.tolist()


def test_any_rows_and_a_share_of_each_class():
    drawn = random_rows(CANDIDATES, 3, np.random.default_rng(1)).tolist()
    assert len(set(drawn)) == 3
    assert set(drawn) <= set(CANDIDATES.tolist())
    labels = ["a", "b", "a", "a", "a", "a", "a"]
    assert 1 in stratified_rows(CANDIDATES, labels, 2, seed=0).tolist()
