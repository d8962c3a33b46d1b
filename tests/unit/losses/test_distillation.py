from __future__ import annotations

import math

import torch
from torch import tensor

from hf_efficient.losses import Batch, supervised, supervised_tokens
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import forward_kl

EVEN, SKEWED = [0.0, 0.0], [0.0, math.log(3.0)]
KL = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
"""Of an even teacher from a skewed student."""


def test_every_sample_is_taught():
    loss = SoftLabels(supervised("single_label_classification"), lambda inputs: tensor([EVEN, EVEN]), forward_kl)
    side = {"labels": tensor([0, 1])}
    rows = loss.rows(Batch({}, side, {"logits": tensor([SKEWED, EVEN])}))
    torch.testing.assert_close(rows.values, tensor([KL, 0.0]))
    assert loss.count(side) == 2


def test_tokens_without_a_label_are_not_taught():
    teacher = tensor([[EVEN, EVEN], [EVEN, EVEN]])
    loss = SoftLabels(supervised_tokens(), lambda inputs: teacher, forward_kl)
    side = {"labels": tensor([[0, -100], [1, 1]])}
    rows = loss.rows(Batch({}, side, {"logits": tensor([[SKEWED, SKEWED], [EVEN, SKEWED]])}))
    torch.testing.assert_close(rows.values, tensor([KL, 0.0, 0.0, KL]))
    assert (rows.sample.tolist(), int(loss.count(side))) == ([0, 0, 1, 1], 3)


def test_the_teacher_is_given_the_columns_of_the_batch_and_those_that_are_its_own():
    fed = []
    loss = SoftLabels(
        supervised("single_label_classification"), lambda columns: fed.append(columns) or tensor([EVEN]), forward_kl
    )
    side = {"labels": tensor([0]), "of_teacher_0_input_ids": tensor([[7, 8]])}
    batch = Batch({"input_ids": tensor([[1]])}, side, {"logits": tensor([EVEN])})
    loss.rows(batch)
    assert list(fed[0]) == ["input_ids", "labels", "of_teacher_0_input_ids"]
    assert batch.columns is fed[0]  # by which a teacher knows that it was asked before
