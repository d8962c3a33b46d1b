"""The order of a curriculum: which rows it draws, and how often."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_efficient.data.batches import Batches, Split, steps_by_count
from hf_efficient.data.order import BLOCKS, CurriculumOrder, random_ranks, ranked
from hf_efficient.data.pace import Pace, linear, one_pass


def order(num_rows=100, start=0.2, end=1.0, num_epochs=2, **others):
    made = CurriculumOrder(
        num_rows, Pace(lambda way: (0.0, linear(way, start)), end), num_epochs=num_epochs, seed=0, **others
    )
    made.ranks = np.arange(num_rows)[::-1]
    return made


def epoch(made, number):
    made.set_epoch(number)
    return made.rows()


def test_rows_come_from_those_that_are_available():
    made = order()
    # Of 100 rows 20 at first, 4 more with each of the 20 blocks of two epochs.
    blocks = epoch(made, 0).reshape(BLOCKS, 10)
    for number, block in enumerate(blocks):
        assert set(block) <= set(range(80 - 4 * number, 100))
    assert made.available(0) == (0, 20)
    assert len(set(blocks[0])) == 10
    # The second block is of rows that have not come yet.
    assert not set(blocks[0]) & set(blocks[1])


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(0.05, 1.0), st.integers(0, 3), st.floats(0.0, 0.9))
def test_an_epoch_is_as_long_as_there_are_rows(num_rows, start, number, mix):
    made = order(num_rows, start, num_epochs=3, mix=mix)
    rows = epoch(made, number)
    assert len(rows) == len(made) == num_rows
    assert set(rows) <= set(range(num_rows))
    np.testing.assert_array_equal(rows, epoch(made, number))


def test_a_row_comes_again_only_when_every_available_one_has_come_as_often():
    made = CurriculumOrder(100, Pace(lambda way: (0.0, 0.3), 1.0), num_epochs=1, seed=3)
    made.ranks = np.arange(100)
    times = np.bincount(epoch(made, 0), minlength=100)
    assert sorted(times[:30].tolist()) == [3] * 20 + [4] * 10
    assert not times[30:].any()


def test_once_all_rows_are_available_an_epoch_is_a_permutation_of_them():
    made = order(end=0.5)
    assert len(set(epoch(made, 0))) < 100
    assert made.blocks == BLOCKS
    whole = epoch(made, 1)
    assert made.blocks == 1
    np.testing.assert_array_equal(whole, np.random.default_rng([0, 1]).permutation(100))


def test_without_ranks_all_rows_are_available():
    made = order()
    made.ranks = None
    assert sorted(epoch(made, 0)) == list(range(100))
    assert made.blocks == 1
    assert made.available(3) == (0, 100)


def test_one_pass_leaves_a_bucket_behind():
    made = CurriculumOrder(100, Pace(partial(one_pass, stages=5), 1.0), num_epochs=1, seed=0)
    made.ranks = np.arange(100)
    blocks = epoch(made, 0).reshape(5, 20)
    assert [sorted(block) for block in blocks] == [list(range(start, start + 20)) for start in range(0, 100, 20)]


def test_a_share_of_the_rows_is_drawn_from_all():
    made = order(num_rows=10_000, start=0.4, num_epochs=1000, mix=0.5)
    held_back = (epoch(made, 0) < 5990).reshape(BLOCKS, 1000)
    # 5,000 rows are drawn from all, of which three in five are held back: 3,000, give or take 35.
    assert 2800 < held_back.sum() < 3200
    assert held_back.sum(axis=1).max() < 400


def test_ranks():
    scores = np.asarray([0.5, 0.1, 0.5, 0.9], dtype=np.float32)
    assert ranked(scores, 0)[[0, 3]].tolist() == [1, 3]
    assert ranked(scores, 0, descending=True)[[0, 3]].tolist() == [3, 1]
    ties = {tuple(ranked(scores, seed)) for seed in range(20)}
    assert ties == {(1, 0, 2, 3), (1, 2, 0, 3)}
    assert sorted(random_ranks(50, 0)) == list(range(50))
    assert random_ranks(50, 0).tolist() != random_ranks(50, 1).tolist()


@pytest.mark.parametrize("split", [Split(8, 1, 1), Split(2, 2, 2)])
def test_the_order_survives_grouping_by_length(split):
    """40 steps of 8 rows: one window without a curriculum, and 10 with it."""
    lengths = np.random.default_rng(0).integers(1, 50, 320)
    made = order(320, start=0.1, num_epochs=4)
    made.set_epoch(0)
    sampler = Batches(lengths).sampler(split, seed=0, order=made)
    sampler.set_epoch(0)
    steps = sampler.steps()
    for number, window in enumerate(np.asarray(steps).reshape(BLOCKS, -1)):
        low, high = made.available(number)
        assert set(window) <= set(made.ranks[low:high])
        assert sorted(window) == sorted(made.rows().reshape(BLOCKS, -1)[number])
    assert all((np.diff(lengths[step]) >= 0).all() for step in steps)


@pytest.mark.parametrize("num_rows", [25 * 16, 43 * 16 + 12, 1000, 100, 17])
def test_blocks_are_not_mixed_where_steps_do_not_divide_them(num_rows):
    """Each row comes in the step that it would come in if no row was longer than another, or in one of its block."""
    lengths = np.random.default_rng(0).integers(1, 50, num_rows)
    of_block = np.repeat(np.arange(BLOCKS), np.diff([num_rows * k // BLOCKS for k in range(BLOCKS + 1)]))
    steps = steps_by_count(np.arange(num_rows), lengths, Split(16, 1, 1), np.random.default_rng(0), BLOCKS)
    assert sorted(np.concatenate(steps)) == list(range(num_rows))
    for number, step in enumerate(steps):
        assert set(of_block[step]) == set(of_block[16 * number : 16 * number + 16])


def test_grouping_is_that_of_a_plain_run_once_all_rows_are_available():
    lengths = np.random.default_rng(0).integers(1, 50, 320)
    made = order(320, start=1.0)
    samplers = [Batches(lengths).sampler(Split(8, 1, 1), seed=0, order=each) for each in (made, None)]
    for sampler in samplers:
        sampler.set_epoch(1)
    curriculum, plain = ([step.tolist() for step in sampler.steps()] for sampler in samplers)
    assert curriculum == plain
