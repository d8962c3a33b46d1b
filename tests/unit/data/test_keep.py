"""Which rows pruning keeps."""

from __future__ import annotations

import numpy as np
import pytest

from hf_efficient.data.keep import kept_rows
from hf_efficient.errors import DataError

SCORES = np.asarray([0.1, 0.9, 0.5, 0.7, 0.3, 0.2], dtype=np.float32)


def test_the_hardest_or_easiest_rows_are_kept_in_their_order():
    assert kept_rows(6, 0.5, SCORES).tolist() == [1, 2, 3]
    assert kept_rows(6, 0.5, SCORES, hardest=False).tolist() == [0, 4, 5]


def test_a_share_of_each_class():
    scores, classes = np.asarray([0.9, 0.8, 0.7, 0.1, 0.2, 0.3]), np.asarray([1, 1, 0, 0, 0, 0])
    assert kept_rows(6, 0.5, scores).tolist() == [0, 1, 2]
    assert kept_rows(6, 0.5, scores, strata=classes).tolist() == [0, 2, 5]
    assert kept_rows(6, 0.5, scores, strata=classes, hardest=False).tolist() == [1, 3, 4]


def test_no_class_is_lost():
    classes = np.repeat([0, 1, 2], [10, 1, 3])
    kept = kept_rows(14, 0.4, None, strata=classes)
    assert np.bincount(classes[kept]).tolist() == [4, 1, 1]
    assert np.bincount(classes[kept_rows(14, 0.5, None, strata=classes)]).tolist() == [5, 1, 2]


def test_random_rows_and_ties_depend_on_the_seed():
    drawn = {tuple(kept_rows(20, 0.5, None, seed=seed)) for seed in range(4)}
    assert len(drawn) == 4
    assert tuple(kept_rows(20, 0.5, None, seed=2)) in drawn
    assert {tuple(kept_rows(4, 0.5, np.zeros(4), seed=seed)) for seed in range(40)} == {
        (a, b) for a in range(4) for b in range(a + 1, 4)
    }


def test_something_must_be_left():
    with pytest.raises(DataError, match="leaves none"):
        kept_rows(4, 0.1, None)
