"""When a loop ends, and why it says so."""

from __future__ import annotations

import numpy as np
import pytest

from hf_efficient.experiments.active.stopping import agreement, reason_to_stop
from hf_efficient.recipe import Active


def stop(num_labels=20, num_left=80, metrics=(0.5,), agreements=(None,), better=True, **settings):
    history = [{"metric": m, "agreement": a} for m, a in zip(metrics, agreements, strict=True)]
    return reason_to_stop(Active(budget=100, **settings), history, num_labels, num_left, greater_is_better=better)


def test_agreement_is_corrected_for_chance():
    assert agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])) == 1.0
    # 3 of 4 agree; by chance 0.5 · 0.75 + 0.5 · 0.25 = 0.5.
    assert agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])) == pytest.approx(0.5)
    assert agreement(np.array([2, 2]), np.array([2, 2])) == 1.0
    assert agreement(np.array([0, 1]), np.array([1, 0])) == pytest.approx(-1.0)


def test_a_loop_goes_on_until_there_is_a_reason():
    assert stop() is None
    assert stop(num_labels=100) == "all 100 labels of active.budget are given"
    assert stop(num_left=0) == "the pool has run dry after 20 labels, of 100 in active.budget"
    assert stop(metrics=(), agreements=(), target=0.1, stability=0.1) is None


def test_a_target_is_reached_from_the_better_side():
    assert stop(target=0.6) is None
    assert stop(target=0.5) == "the metric is 0.5000, and active.target 0.5"
    assert stop(target=0.4, better=False) is None
    assert stop(target=0.6, better=False) is not None
    assert stop(metrics=(None,), target=0.1) is None


def test_stable_predictions_end_it_once_they_are_so_for_several_rounds():
    settings = {"stability": 0.9, "stability_rounds": 2}
    assert stop(metrics=(0.1, 0.1), agreements=(None, 0.99), **settings) is None
    assert stop(metrics=(0.1,) * 3, agreements=(None, 0.85, 0.94), **settings) is None
    assert stop(metrics=(0.1,) * 3, agreements=(0.1, 0.9, 0.94), **settings) == (
        "the predictions of 2 rounds agree by 0.9200, and active.stability is 0.9"
    )
