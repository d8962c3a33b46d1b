from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import tensor

from hf_efficient.models.adapters import add_adapter
from hf_efficient.models.teacher import Loaded, Teacher, Teachers
from hf_efficient.recipe import Peft
from hf_efficient.techniques.distill import rows
from tests.tiny import Case


class Says(torch.nn.Module):
    """A model that always answers the same."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.answer = torch.nn.Parameter(tensor([logits]))

    def forward(self, input_ids):

        return {"logits": self.answer.repeat(len(input_ids), 1)}


ARGS = SimpleNamespace(bf16=False, fp16=False, device=torch.device("cpu"))
ONE = {"input_ids": torch.zeros(1, 2, dtype=torch.long)}


def together(models, weights=None, args=ARGS) -> Teachers:
    return Teachers.weighted([Teacher.on(args, model) for model in models], weights)


EVEN, SKEWED = (0.0, 0.0), (0.0, math.log(3.0))


def test_one_teacher_is_taken_as_it_is():
    torch.testing.assert_close(together([Says(1.0, 5.0)]).logits(ONE, 3.0), tensor([[1.0, 5.0]]))


def test_probabilities_of_several_are_averaged():
    both = together([Says(*EVEN), Says(*SKEWED)])
    torch.testing.assert_close(both.logits(ONE).softmax(-1), tensor([[0.375, 0.625]]))


def test_they_are_averaged_at_the_temperature_and_by_their_weights():
    both = together([Says(*EVEN), Says(0.0, 2 * math.log(3.0))], (1.0, 3.0))
    at_two = (both.logits(ONE, 2.0) / 2).softmax(-1)
    torch.testing.assert_close(at_two, tensor([[0.25 * 0.5 + 0.75 * 0.25, 0.25 * 0.5 + 0.75 * 0.75]]))


def test_classes_that_do_not_exclude_each_other_are_averaged_one_by_one():
    both = together([Says(*EVEN), Says(*SKEWED)])
    torch.testing.assert_close(both.binary_logits(ONE).sigmoid(), tensor([[0.5, (0.5 + 0.75) / 2]]))


def test_numbers_are_averaged():
    both = together([Says(1.0), Says(4.0)], (2.0, 1.0))
    torch.testing.assert_close(both.numbers(ONE), tensor([[2.0]]))


def test_a_prompt_tuned_teacher_is_told_which_text_a_token_is_of():
    case = Case("bert", "single_label_classification")
    section = Peft(method="prompt_tuning", num_virtual_tokens=2)
    model, _ = add_adapter(case.make_model(), section, "text-classification")
    batch = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids", "labels"), ONE["input_ids"])
    assert Teacher.on(ARGS, model).inputs(batch).keys() == {"input_ids", "attention_mask", "token_type_ids"}
    own = Loaded("teacher", model, SimpleNamespace(model_input_names=["input_ids", "token_type_ids"]))
    assert rows._inputs(own) == ["input_ids", "token_type_ids"]


def test_a_teacher_learns_nothing_and_is_fed_what_it_takes():
    teacher = Says(1.0, 2.0)
    answer = together([teacher]).logits({**ONE, "token_type_ids": ONE["input_ids"]})
    assert not answer.requires_grad


@pytest.mark.parametrize(("arguments", "dtype"), [({"bf16": True}, torch.bfloat16), ({}, torch.float32)])
def test_it_computes_in_the_format_of_the_run(arguments, dtype):
    linear = torch.nn.Linear(2, 2)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear

        def forward(self, x):
            return {"logits": self.linear(x)}

    args = SimpleNamespace(**{"bf16": False, "fp16": False, "device": torch.device("cpu"), **arguments})
    assert together([Model()], args=args).logits({"x": torch.ones(1, 2)}).dtype == dtype


class Reads(Says):
    """A model that takes segments, and labels for a loss of its own."""

    def forward(self, input_ids, token_type_ids=None, labels=None):
        return super().forward(input_ids)


def test_it_is_fed_what_it_takes_but_no_labels():
    batch = {**ONE, "pixel_values": ONE["input_ids"], "labels": tensor([1])}
    assert list(Teacher.on(ARGS, Reads(1.0)).inputs(batch)) == ["input_ids"]


def test_one_with_columns_of_its_own_is_fed_those():
    batch = {**ONE, "labels": tensor([1]), "of_teacher_0_input_ids": tensor([[5]]), "of_teacher_1_input_ids": ONE}
    assert Teacher.on(ARGS, Reads(1.0), "of_teacher_0_").inputs(batch) == {"input_ids": tensor([[5]])}
