"""Scores and sets against numbers made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hf_efficient.experiments.active import acquisition

TWO = np.array([[0.5, 0.5], [0.9, 0.1], [0.3, 0.7]])


def generator():
    return np.random.default_rng(0)


def test_doubt():
    assert acquisition.least_confidence(TWO) == pytest.approx([0.5, 0.1, 0.3])
    assert acquisition.margin(TWO) == pytest.approx([1.0, 0.2, 0.6])
    assert acquisition.margin(np.array([[0.2, 0.5, 0.3]])) == pytest.approx([0.8])
    assert acquisition.entropy(np.array([[0.5, 0.5], [1.0, 0.0]])) == pytest.approx([math.log(2), 0.0])


def test_members_that_doubt_alike_disagree_on_nothing():
    alike = np.array([[[0.5, 0.5]], [[0.5, 0.5]]])
    opposed = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert acquisition.bald(alike) == pytest.approx([0.0])
    assert acquisition.bald(opposed) == pytest.approx([math.log(2)])


def test_a_row_contrasts_with_its_nearest_labelled_row():
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.5, 0.5]])
    embeddings = np.array([[0.0], [10.0], [1.0], [9.0]])
    scores = acquisition.contrastive(probabilities, embeddings, np.array([0, 1]), neighbours=1)
    divergence = 0.1 * math.log(0.1 / 0.5) + 0.9 * math.log(0.9 / 0.5)
    assert scores == pytest.approx([0.0, 0.0, 0.0, divergence])
    both = acquisition.contrastive(probabilities, embeddings, np.array([0, 1]), neighbours=5)
    from_other = 0.1 * math.log(0.1 / 0.9) + 0.9 * math.log(0.9 / 0.1)
    assert both[0] == pytest.approx(from_other / 2)


def test_the_highest_candidates_come_first_and_equal_ones_in_any_order():
    scores = np.array([5.0, 1.0, 3.0, 3.0, 3.0, 9.0])
    candidates = np.array([0, 1, 2, 3, 4])
    orders = {
        tuple(acquisition.highest(scores, candidates, 4, np.random.default_rng(seed)).tolist()) for seed in range(20)
    }
    assert {order[0] for order in orders} == {0}
    assert {frozenset(order[1:]) for order in orders} == {frozenset({2, 3, 4})}
    assert len(orders) == 6
    again = [acquisition.highest(scores, candidates, 4, generator()).tolist() for _ in range(2)]
    assert again[0] == again[1]


def test_classes_take_turns():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    predicted = np.array([0, 0, 0, 1, 2])
    chosen = acquisition.highest_of_each(scores, predicted, np.arange(5), 4, generator())
    assert chosen.tolist() == [0, 3, 4, 1]


def test_the_core_set_is_always_the_farthest():
    line = np.array([[0.0], [1.0], [4.0], [10.0], [6.0]])
    rows, distances = acquisition.core_set(line, np.array([0]), np.array([1, 2, 3, 4]), 3)
    assert rows.tolist() == [3, 2, 4]  # 6 is 4 away from 10, as 4 is from 0, and the first of equals is taken
    assert distances == pytest.approx([10.0, 4.0, 2.0])


def test_badge_begins_with_the_largest_gradient_and_takes_none_twice():
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [1.0, 0.0]])
    embeddings = np.array([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    rows, norms = acquisition.badge(probabilities, embeddings, np.arange(4), 4, generator())
    # Error (-0.5, 0.5) has the norm sqrt(0.5), (-0.1, 0.1) sqrt(0.02); a sure row has no gradient.
    expected = {0: 2 * math.sqrt(0.5), 1: 3 * math.sqrt(0.02), 2: math.sqrt(0.5), 3: 0.0}
    assert rows[0] == 0
    assert sorted(rows.tolist()) == [0, 1, 2, 3]
    assert norms == pytest.approx([expected[row] for row in rows.tolist()])


def test_badge_draws_by_the_squared_distance_of_gradients():
    probabilities = np.array([[0.5, 0.5]] * 3)
    embeddings = np.array([[2.0, 0.0], [1.9, 0.0], [0.0, 1.0]])
    # From the first row: 0.5 · 0.1² = 0.005 to the second, 0.5 · (4 + 1) = 2.5 to the third.
    seconds = [
        acquisition.badge(probabilities, embeddings, np.arange(3), 2, np.random.default_rng(seed))[0][1]
        for seed in range(200)
    ]
    assert seconds.count(2) >= 197


def test_badge_equals_k_means_plus_plus_on_the_gradients_themselves():
    random = generator()
    probabilities = random.dirichlet(np.ones(3), size=30)
    embeddings = random.normal(size=(30, 4))
    errors = probabilities - np.eye(3)[probabilities.argmax(1)]
    gradients = np.einsum("nc,nd->ncd", errors, embeddings).reshape(30, 12)
    draws, chosen = np.random.default_rng(7), [int((gradients**2).sum(1).argmax())]
    for _ in range(4):
        distances = ((gradients[:, None] - gradients[chosen]) ** 2).sum(-1).min(1)
        distances[chosen] = 0.0
        chosen.append(int(draws.choice(30, p=distances / distances.sum())))
    rows, _ = acquisition.badge(probabilities, embeddings, np.arange(30), 5, np.random.default_rng(7))
    assert rows.tolist() == chosen
