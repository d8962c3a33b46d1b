"""What a model's answers say of samples, against numbers made by hand."""

from __future__ import annotations

import math

import pytest
import torch

from hf_efficient.losses import Batch, supervised, supervised_tokens
from hf_efficient.losses.difficulty import difficulty

# Probabilities 0.5, 0.25, 0.25 and 0.2, 0.6, 0.2.
LOGITS = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.6, 0.2]]).log()


def of(by, labels, logits, targets):
    batch = Batch({}, {"labels": targets}, {"logits": logits})
    return difficulty(by, labels, batch).tolist()


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("loss", [math.log(2), math.log(5)]),
        ("entropy", [1.5 * math.log(2), -0.4 * math.log(0.2) - 0.6 * math.log(0.6)]),
        ("margin", [0.25 - 0.5, 0.6 - 0.2]),
        ("el2n", [math.sqrt(0.25 + 2 * 0.0625), math.sqrt(0.64 + 0.36 + 0.04)]),
        ("forgetting", [0, 1]),
    ],
)
def test_single_labels(by, expected):
    found = of(by, supervised("single_label_classification"), LOGITS, torch.tensor([0, 2]))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("loss", [math.log(2), (math.log(2) + math.log(4)) / 2]),
        ("entropy", [math.log(2), (math.log(2) + 2 * math.log(2) - 0.75 * math.log(3)) / 2]),
        ("el2n", [math.sqrt(0.5), math.sqrt(0.25 + 0.5625)]),
        ("forgetting", [1, 1]),
    ],
)
def test_several_labels(by, expected):
    logits = torch.tensor([[0.0, 0.0], [0.0, -math.log(3)]])  # 0.5 and 0.25
    found = of(by, supervised("multi_label_classification"), logits, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert found == pytest.approx(expected)


def test_a_sample_of_several_tokens_has_their_mean():
    logits = torch.stack([LOGITS, LOGITS])
    labels = torch.tensor([[0, 2], [-100, 1]])
    assert of("loss", supervised_tokens(), logits, labels) == pytest.approx(
        [(math.log(2) + math.log(5)) / 2, -math.log(0.6)]
    )
    assert of("forgetting", supervised_tokens(), logits, labels) == [1, 0]
    assert of("margin", supervised_tokens(), logits, labels) == pytest.approx([(0.4 - 0.25) / 2, -0.4])
