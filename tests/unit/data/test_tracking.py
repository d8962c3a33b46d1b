"""What is remembered of rows that are watched."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_efficient.data.tracking import Forgetting, Relative, tracker_of

SEEN = [
    # Row 0 is learnt and kept, 1 is learnt, forgotten and learnt again, 2 is never right, 3 is forgotten twice.
    ([0, 1, 2, 3], [0, 0, 1, 0]),
    ([0, 1, 2, 3], [0, 1, 1, 1]),
    ([1, 3], [0, 0]),
    ([3], [1]),
]


def watch(tracker, seen):
    for rows, values in seen:
        tracker.update(np.asarray(rows), np.asarray(values, dtype=np.float32))
    return tracker


def test_forgetting_events():
    assert watch(Forgetting(4), SEEN).end_epoch().tolist() == [0, 1, 3, 2]


def test_the_last_value_counts_and_is_compared_with_those_of_its_time():
    # Around the second of three steps the mean is 6, and the spread √(18 / 6); the first and the last stand alone.
    seen = [([0, 1], [8, 10]), ([2, 3], [4, 8]), ([0, 2], [1, 5])]
    tracker = watch(Relative(5), seen)
    expected = [-1, 1, 1, 2 / 3**0.5, 0]
    assert tracker.end_epoch().tolist() == pytest.approx(expected)
    assert tracker.end_epoch().tolist() == pytest.approx(expected)
    # Rows of mean 1 and spread 0, and one alone: nothing tells them apart.
    assert watch(tracker, [([1, 2], [0, 9])]).end_epoch().tolist() == pytest.approx(expected)
    assert watch(tracker, [([0], [0.5])]).end_epoch().tolist() == pytest.approx(expected)
    # Mean 0 and spread 1.
    assert watch(tracker, [([0, 1], [0.3, 0.1])]).end_epoch()[:2].tolist() == pytest.approx([1, -1])


def ranks(values):
    return np.argsort(np.argsort(values))


def test_rows_are_told_by_their_difficulty_and_not_by_when_they_were_seen():
    """A model that becomes better, steeply at first, and sees the easier half alone in the second epoch."""
    generator = np.random.default_rng(0)
    difficulties = generator.normal(0.0, 0.1, 800)
    tracker, fall = Relative(800), 0.7 * np.exp(-np.arange(150) / 15)
    first = generator.permutation(800).reshape(100, 8)
    watch(tracker, [(rows, (1 + step) * difficulties[rows] + fall[step]) for step, rows in enumerate(first)])
    scores = tracker.end_epoch()
    steps = np.argsort(first.reshape(-1)) // 8
    assert np.corrcoef(ranks(scores), ranks(difficulties))[0, 1] > 0.9
    assert abs(np.corrcoef(ranks(scores), steps)[0, 1]) < 0.1
    for part in np.array_split(np.argsort(scores), 3):
        assert abs(steps[part].mean() - steps.mean()) < 5
    easier = generator.permutation(np.argsort(scores)[:400]).reshape(50, 8)
    watch(tracker, [(rows, difficulties[rows] + fall[100 + step]) for step, rows in enumerate(easier)])
    later = tracker.end_epoch()
    assert np.corrcoef(ranks(later), ranks(difficulties))[0, 1] > 0.9
    # Rows that were held back are as difficult as before, and those that were seen not easier for it.
    held_back = np.setdiff1d(np.arange(800), easier)
    np.testing.assert_array_equal(later[held_back], scores[held_back])
    assert later.mean() == pytest.approx(scores.mean(), abs=0.01)


def test_they_go_on_where_they_were_cut_off():
    for by in ("forgetting", "loss"):
        begun = watch(tracker_of(by, 4), SEEN[:2])
        resumed = tracker_of(by, 4)
        resumed.load_state(json.loads(json.dumps(begun.state())))
        whole = watch(tracker_of(by, 4), SEEN)
        assert watch(resumed, SEEN[2:]).end_epoch().tolist() == whole.end_epoch().tolist()
        resumed.load_state(json.loads(json.dumps(whole.state())))
        assert watch(resumed, SEEN).end_epoch().tolist() == watch(whole, SEEN).end_epoch().tolist()
