from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from hf_efficient.losses.consistency import Consistency
from hf_efficient.losses.rows import Batch

OWN = torch.tensor([[0.0, math.log(3.0)], [math.log(9.0), 0.0], [5.0, 0.0]])
"""Probabilities (1/4, 3/4), (9/10, 1/10), and of a row without a view."""
HAS_VIEW = torch.tensor([[1, 1], [1, 0], [0, 0]])


def model(scores):
    """One that gives these logits, and notes what it was asked."""

    def answer(**inputs):
        answer.asked = inputs
        return {"logits": scores}

    return answer


def batch(own=OWN, mask=HAS_VIEW) -> Batch:
    side = {
        "labels": torch.zeros(3),
        "of_view_input_ids": torch.arange(6).reshape(3, 2),
        "of_view_attention_mask": mask,
    }
    return Batch({}, side, {"logits": own})


def test_views_cost_their_divergence_from_the_row():
    views = model(torch.zeros(2, 2))
    rows = Consistency(views, confidence=0.0, temperature=1.0).rows(batch())
    expected = [
        0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5),
        0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5),
    ]
    assert rows.values.tolist() == pytest.approx(expected)
    assert rows.sample.tolist() == [0, 1]
    assert rows.mask.all()
    assert views.asked["input_ids"].tolist() == [[0, 1], [2, 3]]
    assert views.asked["attention_mask"].tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize(("confidence", "costs"), [(0.7, [True, True]), (0.8, [False, True]), (0.95, [False, False])])
def test_rows_that_are_not_sure_cost_nothing(confidence, costs):
    rows = Consistency(model(torch.zeros(2, 2)), confidence, temperature=1.0).rows(batch())
    assert [value > 0 for value in rows.values.tolist()] == costs


def test_a_low_temperature_sharpens_the_row():
    """At one half, odds of 3 to 1 become 9 to 1; how sure the row is is told before."""
    rows = Consistency(model(torch.zeros(2, 2)), 0.7, temperature=0.5).rows(batch())
    assert rows.values[0].item() == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2))


def test_the_view_learns_and_the_row_does_not():
    own, views = OWN.clone().requires_grad_(), torch.zeros(2, 2, requires_grad=True)
    Consistency(model(views), 0.0, 1.0).rows(batch(own)).values.sum().backward()
    assert own.grad is None
    assert views.grad.flatten().tolist() == pytest.approx([0.25, -0.25, -0.4, 0.4])


def test_a_batch_without_views_costs_nothing_and_asks_nothing():
    rows = Consistency(SimpleNamespace(), 0.0, 1.0).rows(batch(mask=torch.zeros(3, 2)))
    assert rows.values.sum() == 0
    assert rows.values.shape == rows.sample.shape == (0,)


def test_every_sample_of_a_step_counts():
    assert Consistency(model(None), 0.0, 1.0).count({"labels": torch.zeros(5)}) == 5
