from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import tensor

from hf_efficient.errors import DataError, PlanError
from hf_efficient.losses import (
    Batch,
    HeadLoss,
    cross_entropy,
    multi_label_items,
    regression_items,
    single_label_items,
    squared_error,
    supervised,
    supervised_tokens,
    token_items,
)
from hf_efficient.losses.supervised import binary_cross_entropy

EVEN = tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
"""Probabilities (1/2, 1/2) and (1/4, 3/4)."""


def test_cross_entropy_is_one_number_per_row():
    rows = cross_entropy(single_label_items(EVEN, tensor([0, 1])))
    torch.testing.assert_close(rows, tensor([math.log(2), math.log(4 / 3)]))


def test_a_row_without_a_label_costs_nothing():
    items = single_label_items(EVEN, tensor([-100, 1]))
    assert items.mask.tolist() == [False, True]
    torch.testing.assert_close(cross_entropy(items), tensor([0.0, math.log(4 / 3)]))


def test_a_token_is_a_row_of_its_sample():
    logits = torch.stack([EVEN, EVEN.flip(0)])
    items = token_items(logits, tensor([[0, 1], [-100, 0]]))
    assert (items.sample.tolist(), items.mask.tolist()) == ([0, 0, 1, 1], [True, True, False, True])
    expected = tensor([math.log(2), math.log(4 / 3), 0.0, math.log(2)])
    torch.testing.assert_close(cross_entropy(items), expected)


def test_the_weight_of_a_sample_is_that_of_its_tokens():
    side = {"labels": tensor([[0, 1], [1, -100]]), "sample_weight": tensor([1.0, 2.0])}
    loss = supervised_tokens(class_weights=tensor([1.0, 3.0]))
    rows = loss.rows(Batch({}, side, {"logits": torch.stack([EVEN, EVEN])}))
    torch.testing.assert_close(rows.values, tensor([math.log(2), 3 * math.log(4 / 3), 6 * math.log(2), 0.0]))


def test_class_weights_multiply_the_rows_of_their_class():
    rows = cross_entropy(single_label_items(EVEN, tensor([0, 1])), class_weights=tensor([0.5, 2.0]))
    torch.testing.assert_close(rows, tensor([0.5 * math.log(2), 2 * math.log(4 / 3)]))


def test_label_smoothing_mixes_in_the_uniform_distribution():
    rows = cross_entropy(single_label_items(EVEN, tensor([0, 1])), label_smoothing=0.5)
    uniform = (math.log(4) + math.log(4 / 3)) / 2
    torch.testing.assert_close(rows, tensor([math.log(2), 0.5 * math.log(4 / 3) + 0.5 * uniform]))


def test_label_smoothing_agrees_with_torch():
    logits, labels = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)), tensor([0, 1, 2, 3, 0])
    expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(cross_entropy(single_label_items(logits, labels), label_smoothing=0.1), expected)


def test_binary_cross_entropy_averages_over_the_labels_of_a_row():
    items = multi_label_items(tensor([[0.0, math.log(3.0)]]), tensor([[1.0, 0.0]]))
    torch.testing.assert_close(binary_cross_entropy(items), tensor([(math.log(2) + math.log(4)) / 2]))


def test_squared_error_of_one_and_of_several_targets():
    torch.testing.assert_close(
        squared_error(regression_items(tensor([[1.0], [2.0]]), tensor([3.0, 2.0]))), tensor([4.0, 0.0])
    )
    torch.testing.assert_close(
        squared_error(regression_items(tensor([[1.0, 2.0]]), tensor([[2.0, 5.0]]))), tensor([5.0])
    )


def test_sample_weights_multiply_the_rows():
    batch = Batch({}, {"labels": tensor([0, 1]), "sample_weight": tensor([2.0, 0.0])}, {"logits": EVEN})
    loss = supervised("single_label_classification")
    torch.testing.assert_close(loss.rows(batch).values, tensor([2 * math.log(2), 0.0]))


@pytest.mark.parametrize(
    ("problem", "labels", "count"),
    [
        ("single_label_classification", tensor([0, -100, 1]), 2),
        ("regression", tensor([0.5, -100.0]), 2),
        ("multi_label_classification", tensor([[1.0, 0.0, 1.0]]), 1),
        ("multi_label_classification", tensor([[1, 0, 1], [0, 0, 0]]), 2),
    ],
)
def test_count_is_rows_and_not_labels(problem, labels, count):
    assert int(supervised(problem).count({"labels": labels})) == count


def test_tokens_are_counted_one_by_one():
    assert int(supervised_tokens().count({"labels": tensor([[1, -100], [2, 3]])})) == 3


@pytest.mark.parametrize(
    ("num_labels", "labels", "problem"),
    [
        (1, tensor([0.5]), "regression"),
        (2, tensor([1]), "single_label_classification"),
        (2, tensor([[1.0, 0.0]]), "multi_label_classification"),
    ],
)
def test_a_head_guesses_its_problem_from_the_labels(num_labels, labels, problem):
    config = SimpleNamespace(num_labels=num_labels, problem_type=None)
    assert int(HeadLoss(config).count({"labels": labels})) == 1
    assert config.problem_type == problem


@pytest.mark.parametrize("problem", ["regression", "multi_label_classification"])
def test_label_smoothing_without_one_class_per_row_is_refused(problem):
    with pytest.raises(PlanError, match=r"label_smoothing_factor = 0\.1 needs one class per row"):
        supervised(problem, label_smoothing=0.1)


def test_class_weights_without_classes_are_refused():
    with pytest.raises(PlanError, match="class_weights need classes"):
        supervised("regression", class_weights=tensor([1.0]))


def test_a_batch_without_labels_is_an_error_that_says_what_it_has():
    config = SimpleNamespace(num_labels=2, problem_type=None)
    with pytest.raises(DataError, match="a batch has no labels, only input_ids, label_ids;"):
        HeadLoss(config).count({"input_ids": tensor([1]), "label_ids": tensor([1])})


def mixed(problem, labels, partners, logits=EVEN, own=(0.75, 0.5), others=(0.25, 0.5), **settings):
    side = {
        "labels": labels,
        "sample_weight": tensor(own),
        "partner_labels": partners,
        "partner_weight": tensor(others),
    }
    return supervised(problem, **settings).rows(Batch({}, side, {"logits": logits}))


def test_a_mixed_row_costs_its_share_of_both_labels():
    rows = mixed("single_label_classification", tensor([0, 1]), tensor([1, 0]))
    expected = tensor([math.log(2), 0.5 * math.log(4 / 3) + 0.5 * math.log(4)])
    torch.testing.assert_close(rows.values, expected)


def test_a_mixed_row_costs_what_its_soft_label_costs():
    settings = {"class_weights": None, "label_smoothing": 0.1}
    rows = mixed("single_label_classification", tensor([0, 1]), tensor([1, 0]), **settings)
    soft = tensor([[0.75, 0.25], [0.5, 0.5]])
    expected = torch.nn.functional.cross_entropy(EVEN, soft, reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(rows.values, expected)
    rows = mixed("multi_label_classification", tensor([[0.0, 1.0]] * 2), tensor([[1.0, 1.0]] * 2))
    soft = tensor([[0.25, 1.0], [0.5, 1.0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(EVEN, soft, reduction="none").mean(-1)
    torch.testing.assert_close(rows.values, expected)


def test_class_weights_weigh_each_part_of_a_mixed_row():
    rows = mixed("single_label_classification", tensor([0, 1]), tensor([1, 0]), class_weights=tensor([1.0, 4.0]))
    expected = tensor([1.75 * math.log(2), 2 * math.log(4 / 3) + 0.5 * math.log(4)])
    torch.testing.assert_close(rows.values, expected)


def test_a_row_without_a_label_costs_nothing_though_its_partner_has_one():
    rows = mixed("single_label_classification", tensor([-100, 1]), tensor([1, 0]))
    assert rows.mask.tolist() == [False, True]
    assert rows.values[0] == 0
