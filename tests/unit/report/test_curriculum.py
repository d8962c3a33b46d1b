"""What report.md says of a curriculum and of pruning."""

from __future__ import annotations

import pytest

from hf_efficient.report.curriculum import curriculum_markdown, histogram, prune_markdown

EPOCH = {"epoch": 1, "available": [[0.0, 0.2], [0.2, 0.4]], "different_rows": 1200, "order": "a", "fed": ["b"]}
SCORES = {
    "counts": [30, 0, 1],
    "edges": [0.0, 1.0, 2.0, 3.0],
    "easiest": [{"row": 4, "score": 0.25, "text": "a | b"}],
    "hardest": [{"row": 2, "score": 2.5, "text": None}],
}


def facts(**others):
    cost = {"scoring_seconds": 4.0, "scoring_cpu_seconds": 3.0, "scores_found": False}
    return {"by": "el2n", **cost, "scores": SCORES, **others}


def curriculum(as_meant, **others):
    told = facts(order="hard_first", pace="one_pass", epochs=[{**EPOCH, "as_meant": as_meant}], **others)
    return curriculum_markdown({"techniques": {"curriculum": told}})


def test_nothing_is_said_of_what_is_not_there():
    assert curriculum_markdown({}) == prune_markdown({"techniques": {"augment": {}}}) == ""


@pytest.mark.parametrize(("as_meant", "word"), [(True, "yes"), (False, "no"), (None, "not known")])
def test_epochs_and_rows(as_meant, word):
    text = curriculum(as_meant)
    assert "Rows by el2n, hard first, pace one_pass. Scoring them took 4.0 s (3.0 s of CPU)." in text
    assert f"| 1 | 20% | 20% to 40% | 1,200 | {word} |" in text
    assert "| 0.25 | 4 | a \\| b |" in text
    assert "| 2.5 | 2 | – |" in text


def test_costs_of_an_earlier_run_and_of_none():
    assert "(3.0 s of CPU), in an earlier run." in curriculum(True, scores_found=True)
    assert "Scoring" not in curriculum(True, scoring_seconds=None, scores=None)


def test_pruning():
    told = facts(kept_rows=1000, rows=2000, which="easiest")
    assert prune_markdown({"techniques": {"prune": told}}).startswith(
        "1,000 of 2,000 training rows were kept, the easiest by el2n. Scoring them took"
    )
    at_random = {**told, "which": "random", "scores": None, "scoring_seconds": None}
    assert prune_markdown({"techniques": {"prune": at_random}}) == "1,000 of 2,000 training rows were kept, at random."


def test_bars():
    lines = histogram([30, 0, 1], [0.0, 1.0, 2.0, 3.0]).splitlines()
    assert [line.count("█") for line in lines] == [0, 30, 0, 1, 0]
    assert lines[1].endswith(" 30")
