from __future__ import annotations

import math

import pytest
import torch
from torch import tensor

from hf_efficient.losses.features import (
    attention_scores,
    attention_transfer,
    hidden_cosine,
    hidden_squared_error,
    relation_kl,
    split_heads,
)

MASK = tensor([[1, 1, 0]])
GENERATOR = torch.Generator().manual_seed(0)


def test_hidden_states_are_compared_token_by_token():
    student, teacher = tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]]), tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(hidden_squared_error(student, teacher, MASK), tensor([[0.5, 8.0, 0.0]]))


def test_cosine_looks_at_directions_alone():
    student = tensor([[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    teacher = tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    torch.testing.assert_close(hidden_cosine(student, teacher, MASK), tensor([[0.0, 1 - math.sqrt(0.5), 0.0]]))


def test_attention_is_averaged_over_heads_and_present_tokens():
    teacher = torch.zeros(1, 2, 3, 3)
    student = torch.zeros(1, 2, 3, 3)
    student[0, 0, 0] = tensor([1.0, 3.0, 100.0])  # the last token is padding
    # One head of two, (1 + 9) / 2 tokens.
    torch.testing.assert_close(attention_transfer(student, teacher, MASK), tensor([[2.5, 0.0, 0.0]]))


def test_scores_are_scaled_products():
    queries, keys = tensor([[[[1.0, 2.0, 0.0, 0.0]]]]), tensor([[[[3.0, 4.0, 0.0, 0.0]]]])
    assert attention_scores(queries, keys).item() == pytest.approx(11 / 2)


def test_a_relation_is_a_softmax_over_present_tokens():
    # Teacher: even. Student: the first token prefers itself three to one.
    teacher = torch.zeros(1, 1, 3, 1)
    student = tensor([[[[1.0], [0.0], [50.0]]]]), tensor([[[[math.log(3)], [0.0], [50.0]]]])
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    found = relation_kl(student, (teacher, teacher), MASK)
    torch.testing.assert_close(found, tensor([[expected, 0.0, 0.0]]))


def test_widths_may_differ():
    student, teacher = torch.randn(2, 4, 3, 5, generator=GENERATOR), torch.randn(2, 4, 3, 8, generator=GENERATOR)
    found = relation_kl((student, student), (teacher, teacher), tensor([[1, 1, 0], [1, 1, 1]]))
    assert found.shape == (2, 3)
    assert (found[0, :2] > 0).all()
    assert found[0, 2] == 0


def test_padding_changes_nothing():
    student, teacher = torch.randn(1, 2, 4, 3, generator=GENERATOR), torch.randn(1, 2, 4, 3, generator=GENERATOR)
    short = relation_kl((student[:, :, :2],) * 2, (teacher[:, :, :2],) * 2, torch.ones(1, 2))
    padded = relation_kl((student,) * 2, (teacher,) * 2, tensor([[1, 1, 0, 0]]))
    torch.testing.assert_close(padded[:, :2], short)


def test_heads_are_joined_and_cut_again():
    # Two heads of width 2: token t has [10t, 10t + 1] in the first and [10t + 2, 10t + 3] in the second.
    joined = tensor([[0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 12.0, 13.0]])
    heads = joined.view(1, 2, 2, 2).transpose(1, 2)
    torch.testing.assert_close(split_heads(heads, 1), joined[None, None])
    assert split_heads(heads, 4).shape == (1, 4, 2, 1)
    torch.testing.assert_close(split_heads(heads, 4)[0, 2], tensor([[2.0], [12.0]]))
    torch.testing.assert_close(split_heads(heads, 2), heads)
