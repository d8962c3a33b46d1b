from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_efficient.data.split import hold_out, strata_of, subset

labels = st.lists(st.sampled_from("aaaaabbc"), min_size=1, max_size=120)
shares = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**31)


@given(labels, shares, seeds)
def test_hold_out_neither_loses_nor_doubles_a_row(values, share, seed):
    kept, held = hold_out(strata_of(values), share, seed)
    assert sorted([*kept, *held]) == list(range(len(values)))


@given(labels, shares, seeds)
def test_hold_out_takes_the_share_of_each_class_within_one_row(values, share, seed):
    strata = strata_of(values)
    _, held = hold_out(strata, share, seed)
    sizes, taken = np.bincount(strata), np.bincount(strata[held], minlength=strata.max() + 1)
    total = max(1, round(len(values) * share)) / len(values)
    assert (np.abs(taken - np.minimum(sizes * total, sizes - 1)) <= 1).all()
    assert (taken < sizes).all()


@given(labels, st.integers(1, 150), seeds)
def test_subset_has_as_many_rows_as_asked_in_their_order(values, num_rows, seed):
    strata = strata_of(values)
    chosen = subset(strata, num_rows, seed)
    assert len(chosen) == min(num_rows, len(values))
    assert (np.diff(chosen) > 0).all()
    if num_rows >= len(set(values)):
        assert set(strata[chosen]) == set(strata)


def test_hold_out_of_hand_counted_rows():
    values = ["a"] * 10 + ["b"] * 20 + ["c"]
    kept, held = hold_out(strata_of(values), 0.1, seed=0)
    assert [values[row] for row in held].count("a") == 1
    assert [values[row] for row in held].count("b") == 2
    assert 30 in kept


def test_the_same_seed_chooses_the_same_rows_and_another_seed_others():
    strata = strata_of([0, 1] * 50)
    first, again, other = (hold_out(strata, 0.2, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other
    # Pinned, so that another platform or release of numpy can't quietly move rows between the sides.
    assert hold_out(strata_of([0, 1] * 10), 0.2, 0)[1].tolist() == [2, 3, 11, 18]
    held = hold_out(strata_of([f"class {number % 7}" for number in range(1000)]), 0.2, 42)[1]
    assert hashlib.sha256(held.astype("<i8").tobytes()).hexdigest()[:16] == "5c42c78410776022"


@pytest.mark.parametrize(
    ("values", "strata"),
    [
        (["b", "a", "b"], [1, 0, 1]),
        ([True, False, True, False], [1, 0, 1, 0]),
        ([7, 3, 3, 7], [1, 0, 0, 1]),
        ([["a", "b"], ["a"], [], ["a"]], [2, 1, 0, 1]),
    ],
)
def test_rows_of_equal_labels_share_a_stratum(values, strata):
    assert strata_of(values).tolist() == strata


def test_numbers_share_quantiles():
    values = [float(value) for value in range(30)]
    assert np.bincount(strata_of(values)).tolist() == [10, 10, 10]
    assert strata_of(values[::-1]).tolist() == strata_of(values).tolist()[::-1]


def test_integers_that_rarely_repeat_are_numbers():
    assert strata_of(list(range(40))).max() == 3


def test_nothing_is_held_out_where_every_class_has_one_row():
    kept, held = hold_out(strata_of(["a", "b", "c"]), 0.5, 0)
    assert len(kept) == 3
    assert len(held) == 0
