from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_efficient.data.batches import Batches, Split, padded_share
from hf_efficient.errors import DataError, PlanError


def sampler(lengths, split, max_tokens=None, seed=0, **settings):
    return Batches(np.asarray(lengths), max_tokens).sampler(split, seed=seed, **settings)


splits = st.builds(Split, st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
many_lengths = st.lists(st.integers(1, 40), min_size=3, max_size=120)
budgets = st.sampled_from([None, 40, 64])


@settings(deadline=None)
@given(many_lengths, splits, budgets, st.integers(0, 3))
def test_no_row_is_lost_or_doubled_and_every_process_gets_equally_many_batches(lengths, split, max_tokens, epoch):
    drawn = sampler(lengths, split, max_tokens)
    drawn.set_epoch(epoch)
    batches = list(drawn)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(batches)
    assert len(batches) == len(drawn)
    assert len(batches) % split.processes == 0
    assert all(len(batch) for batch in batches)


@settings(deadline=None)
@given(many_lengths, splits, budgets)
def test_all_steps_but_the_last_have_all_their_micro_batches(lengths, split, max_tokens):
    """The Trainer takes `accumulation` micro-batches for a step, whatever was meant."""
    drawn = sampler(lengths, split, max_tokens)
    batches, start = drawn.micro_batches(), 0
    for step in drawn.steps()[:-1]:
        taken = np.concatenate(batches[start : start + split.pieces])
        assert sorted(taken) == sorted(step)
        start += split.pieces
    assert sorted(np.concatenate(batches[start:])) == sorted(drawn.steps()[-1])


@settings(deadline=None)
@given(many_lengths, splits)
def test_a_token_budget_is_never_exceeded_but_by_a_rest_of_the_epoch(lengths, split):
    drawn = sampler(lengths, split, 40)
    lengths = np.asarray(lengths)
    for step in drawn.steps():
        for batch in np.array_split(step, min(split.pieces, len(step))):
            assert len(batch) * lengths[batch].max() <= 40 or len(step) % split.pieces


def test_steps_do_not_depend_on_how_they_are_split():
    lengths = np.random.default_rng(0).integers(1, 30, 203)
    ways = [Split(8, 1, 1), Split(2, 4, 1), Split(4, 1, 2), Split(1, 4, 2)]
    found = [[sorted(step) for step in sampler(lengths, split).steps()] for split in ways]
    assert len(found[0]) == 26
    assert all(steps == found[0] for steps in found)


def test_batches_are_a_pure_function_of_seed_and_epoch():
    lengths = np.random.default_rng(0).integers(1, 30, 100)

    def drawn(seed, epoch):
        batches = sampler(lengths, Split(4, 2, 1), seed=seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert drawn(0, 1) == drawn(0, 1)
    assert drawn(0, 1) != drawn(0, 2)
    assert drawn(0, 1) != drawn(1, 1)


def test_batches_waste_little_and_still_come_in_a_shuffled_order():
    lengths = np.random.default_rng(0).integers(5, 60, 640)
    split = Split(16, 1, 1)
    grouped = sampler(lengths, split).micro_batches()
    shuffled = np.random.default_rng(0).permutation(640).reshape(-1, 16)
    assert padded_share(list(shuffled), lengths) > 0.4
    assert padded_share(grouped, lengths) < 0.05
    means = np.array([lengths[batch].mean() for batch in grouped])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_beyond_a_window_an_order_is_kept():
    """A curriculum that begins with the first rows begins with them in batches too."""
    lengths = np.random.default_rng(0).integers(5, 60, 400)
    first = sampler(lengths, Split(1, 1, 1), order=list(range(400))).micro_batches()[:100]
    assert np.concatenate(first).max() < 160


def test_a_rest_of_fewer_rows_than_processes_joins_the_step_before_it():
    drawn = sampler([3] * 9, Split(2, 1, 4))
    assert [len(step) for step in drawn.steps()] == [9]
    assert sorted(len(batch) for batch in drawn.micro_batches()) == [2, 2, 2, 3]


def test_a_small_last_step_can_be_left_out():
    assert [len(b) for b in sampler([1] * 11, Split(4, 1, 1), drop_last=True).micro_batches()] == [4, 4]
    assert [len(b) for b in sampler([1] * 11, Split(2, 2, 1), drop_last=True).micro_batches()] == [2, 2, 2, 2]


def test_fewer_rows_than_processes_are_refused():
    with pytest.raises(DataError, match="expected a row for each of 3 processes, found 2"):
        len(sampler([1, 2], Split(1, 1, 3)))


def test_a_row_longer_than_the_budget_is_refused():
    with pytest.raises(PlanError, match=r"batching\.max_tokens is 10, and a row has 12"):
        len(sampler([3, 12], Split(1, 1, 1), 10))
