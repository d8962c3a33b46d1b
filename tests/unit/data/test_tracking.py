"""What is remembered of rows that are watched."""

from __future__ import annotations

import json

import numpy as np

from hf_efficient.data.tracking import Forgetting, LastSeen, tracker_of

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
    assert watch(Forgetting(4), SEEN).scores().tolist() == [0, 1, 3, 2]


def test_the_last_value_counts():
    assert watch(LastSeen(5), SEEN).scores().tolist() == [0, 0, 1, 1, 0]


def test_they_go_on_where_they_were_cut_off():
    for by in ("forgetting", "loss"):
        begun = watch(tracker_of(by, 4), SEEN[:2])
        resumed = tracker_of(by, 4)
        resumed.load_state(json.loads(json.dumps(begun.state())))
        assert watch(resumed, SEEN[2:]).scores().tolist() == watch(tracker_of(by, 4), SEEN).scores().tolist()
