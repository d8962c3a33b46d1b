"""Rows of several epochs in one data set."""

from types import SimpleNamespace

import numpy as np
import pytest

from hf_efficient.data.epochs import InEpoch, Shuffled, epoch_of, longest_views


@pytest.mark.parametrize(("counted", "expected"), [(None, 0), (0.4, 0), (1.0, 1), (1.9, 1), (3 - 1e-9, 3)])
def test_the_epoch_of_a_state(counted, expected):
    assert epoch_of(SimpleNamespace(epoch=counted)) == expected


def test_an_order_is_a_pure_function_of_seed_and_epoch():
    first, again = Shuffled(20, seed=3), Shuffled(20, seed=3)
    drawn = list(first)
    assert sorted(drawn) == list(range(20))
    again.set_epoch(1)
    assert list(again) != drawn
    again.set_epoch(0)
    assert list(again) == drawn


def test_rows_of_an_epoch_stand_behind_those_of_the_epochs_before():
    sampler = InEpoch([2, 0, 1], rows_per_epoch=3, num_rows=6)
    assert list(sampler) == [2, 0, 1]
    sampler.set_epoch(1)
    assert list(sampler) == [5, 3, 4]
    assert len(sampler) == 3


def test_batches_move_as_rows_do():
    sampler = InEpoch([[2, 0], [1]], rows_per_epoch=3, num_rows=6)
    sampler.set_epoch(1)
    assert list(sampler) == [[5, 3], [4]]


def test_the_first_epoch_comes_again_after_the_last():
    sampler = InEpoch([0], rows_per_epoch=1, num_rows=2)
    drawn = []
    for epoch in range(4):
        sampler.set_epoch(epoch)
        drawn += list(sampler)
    assert drawn == [0, 1, 0, 1]


def test_the_sampler_within_is_told_the_epoch():
    order = Shuffled(8, seed=0)
    sampler = InEpoch(order, rows_per_epoch=8, num_rows=16)
    sampler.set_epoch(1)
    assert order.epoch == 1
    assert sorted(sampler) == list(range(8, 16))


def test_a_row_is_as_long_as_its_longest_view():
    lengths = np.asarray([3, 9, 5, 7, 2, 6])
    np.testing.assert_array_equal(longest_views(lengths, 3), [7, 9, 6])
    np.testing.assert_array_equal(longest_views(lengths, None), lengths)
