"""Labels on disk: none is lost, whatever a kill leaves behind."""

from __future__ import annotations

import pytest

from hf_efficient.errors import RunDirectoryError
from hf_efficient.experiments.active.state import LabelLog, hold_to


def test_labels_skips_and_undone_ones_are_read_back(tmp_path):
    path = tmp_path / "labels.jsonl"
    log = LabelLog(path, ("a", "b"))
    log.give(3, "a", "web")
    log.give(4, "b", "web")
    log.skip(5, "web")
    log.undo(4, "web")
    log.give_all({7: "b", 3: "b"}, "file")
    for found in (log, LabelLog(path, ("a", "b"))):
        assert found.labels == {3: "b", 7: "b"}
        assert found.skipped == {5}
        assert found.settled == {3, 5, 7}
    assert len(path.read_text().splitlines()) == 6


def test_a_loop_is_held_to_what_it_was_started_with(tmp_path):
    path = tmp_path / "pool.json"
    hold_to(path, {"pool": "x", "recipe": "1"}, "choose another.")
    hold_to(path, {"pool": "x", "recipe": "1"}, "choose another.")
    with pytest.raises(RunDirectoryError, match=r"a loop with another recipe \(1 there, 2 here\); choose another"):
        hold_to(path, {"pool": "x", "recipe": "2"}, "choose another.")
