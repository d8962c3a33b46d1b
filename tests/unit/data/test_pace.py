"""Shares of the rows that are available, against numbers made by hand."""

from __future__ import annotations

import math
from functools import partial

import pytest

from hf_efficient.data.pace import Pace, baby_steps, competence, exponential, linear, one_pass, step


@pytest.mark.parametrize(
    ("grow", "at_half"),
    [
        # Half the way from 0.04 to 1, and of that the square root.
        (partial(competence, start=0.2), math.sqrt(0.52)),
        (partial(competence, start=0.2, root=1.0), 0.6),
        (partial(linear, start=0.2), 0.6),
        # As many times more in the second half as in the first.
        (partial(exponential, start=0.25), 0.5),
        # The third of four stages begins at half the way.
        (partial(step, start=0.2, stages=4), 0.6),
    ],
)
def test_growing_paces(grow, at_half):
    start = grow.keywords["start"]
    assert grow(0.0) == pytest.approx(start)
    assert grow(0.5) == pytest.approx(at_half)
    assert start < grow(0.75) <= grow(0.999) < 1


def test_buckets():
    assert [baby_steps(progress, 4) for progress in (0.0, 0.24, 0.25, 0.99)] == [(0, 0.25), (0, 0.25), (0, 0.5), (0, 1)]
    assert [one_pass(progress, 4) for progress in (0.0, 0.25, 0.99)] == [(0, 0.25), (0.25, 0.5), (0.75, 1)]


def test_all_rows_are_available_from_the_end_on():
    pace = Pace(lambda way: (0.0, linear(way, 0.5)), end=0.4)
    assert pace.at(0.0) == pytest.approx((0.0, 0.5))
    assert pace.at(0.2) == pytest.approx((0.0, 0.75))
    assert pace.at(0.4) == pace.at(1.0) == (0.0, 1.0)
    # 0.1 + 0.2 is more than 0.3, and 3 × 0.1, too.
    assert Pace(lambda way: (0.0, 0.5), end=0.3).at(0.1 + 0.2) == (0.0, 1.0)


def test_a_stage_begins_on_time():
    """A third of the way is 0.333…, whose triple must be 1."""
    pace = Pace(partial(baby_steps, stages=3), end=1.0)
    assert pace.at(1 / 3)[1] == pytest.approx(2 / 3)
    assert pace.at(0.1 + 0.2 + 0.1 / 3)[1] == pytest.approx(2 / 3)
