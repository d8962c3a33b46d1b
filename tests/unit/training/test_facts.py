"""What a run reports of what others have spent for it."""

from __future__ import annotations

import pytest

from hf_efficient.training.facts import found_scores_cpu_seconds

FOUND = {"scores_found": True, "scoring_cpu_seconds": 3.0}


@pytest.mark.parametrize(
    ("techniques", "resumed_from_step", "expected"),
    [
        ({"prune": FOUND, "curriculum": FOUND, "distill": {}}, None, 6.0),
        ({"prune": FOUND, "curriculum": {**FOUND, "scores_found": False}}, None, 3.0),
        ({"prune": {**FOUND, "scores_found": False}}, None, None),
        ({"prune": {"scores_found": None, "scoring_cpu_seconds": None}, "augment": {}}, None, None),
        # It may be the interrupted part of this run that has computed them.
        ({"prune": FOUND}, 12, None),
    ],
)
def test_scores_that_were_found_have_cost_something(techniques, resumed_from_step, expected):
    assert found_scores_cpu_seconds(techniques, resumed_from_step) == expected
