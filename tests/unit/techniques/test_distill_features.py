from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from hf_efficient.errors import PlanError
from hf_efficient.losses import Batch
from hf_efficient.models.student import student_of
from hf_efficient.models.teacher import Teacher
from hf_efficient.recipe.distill import Distill
from hf_efficient.techniques.distill.features import feature_losses, layer_map, projection_of
from tests.unit.models.test_student import IDS, teacher

ARGS = SimpleNamespace(bf16=False, fp16=False, device=torch.device("cpu"))
INPUTS = {"input_ids": IDS, "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])}
KINDS = [
    {"hidden": {}},
    {"hidden": {"distance": "cosine"}},
    {"attention": {}},
    {"relations": {}},
    {"relations": {"kind": "minilm"}},
]


def rows(wish: dict, student, whole) -> list[torch.Tensor]:
    teachers = [Teacher.on(ARGS, whole)]
    section = Distill(teacher="t", **wish)
    projection = projection_of(section, student, whole)
    losses = list(feature_losses(section, student, teachers, projection))
    student.eval()(**INPUTS)
    batch = Batch(INPUTS, {}, {})
    return [loss.rows(batch).values for loss in losses]


@pytest.mark.parametrize("wish", KINDS, ids=str)
@pytest.mark.parametrize("kind", ["bert", "distilbert", "mpnet", "llama"])
def test_a_student_that_computes_the_same_has_nothing_to_learn(wish, kind):
    [values] = rows(wish, teacher(kind), teacher(kind))
    torch.testing.assert_close(values, torch.zeros(2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("wish", KINDS, ids=str)
def test_one_that_does_not_learns_in_the_layers_it_has(wish):
    whole = teacher("bert")
    with torch.no_grad():
        for weight in whole.parameters():
            weight.mul_(8)  # random weights are so small that every relation is even
    student = student_of(whole, layers=[2, 3])
    [values] = rows(wish, student, whole)
    assert (values > 0).all()
    values.sum().backward()
    assert student.bert.encoder.layer[1].attention.self.query.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("wish", KINDS, ids=str)
def test_padding_changes_nothing(wish):
    student, whole = student_of(teacher("bert"), layers=2), teacher("bert")
    [padded] = rows(wish, student, whole)
    short = {"input_ids": IDS[1:, :2], "attention_mask": torch.ones(1, 2, dtype=torch.long)}
    teachers = [Teacher.on(ARGS, whole)]
    [loss] = feature_losses(Distill(teacher="t", **wish), student, teachers)
    student(**short)
    torch.testing.assert_close(loss.rows(Batch(short, {}, {})).values, padded[1:])


def test_widths_and_heads_may_differ_in_minilmv2():
    narrow = student_of(teacher("bert"), layers=2, width=8)
    [values] = rows({"relations": {}}, narrow, teacher("bert"))
    assert values.shape == (2,)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"attention": {}}, "distill.attention: expected as many heads in student and teacher, found 2 and 4"),
        ({"relations": {"kind": "minilm"}}, "distill.relations: expected as many heads"),
        ({"relations": {"heads": 16}}, "distill.relations.heads: expected a divisor of the widths 8 and 16, found 16"),
        ({"relations": {"teacher_layer": 4}}, "distill.relations: expected a layer from 0 to 3, found 4"),
    ],
)
def test_what_can_not_be_compared_is_refused(wish, message):
    with pytest.raises(PlanError, match=message):
        rows(wish, student_of(teacher("bert"), width=8), teacher("bert"))


def test_the_layers_of_several_teachers_are_not_averaged():
    teachers = [Teacher.on(ARGS, teacher("bert"))] * 2
    with pytest.raises(PlanError, match="expected one teacher, found 2"):
        list(feature_losses(Distill(teacher=("a", "b"), hidden={}), teacher("bert"), teachers))


def test_a_micro_batch_is_asked_for_once():
    whole = teacher("bert")
    calls = []
    whole.register_forward_hook(lambda *_: calls.append(1))
    rows({"hidden": {}, "attention": {}, "relations": {}}, student_of(whole, layers=2), whole)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("layers", "student", "there_are", "pairs"),
    [
        (None, 3, 6, [(0, 1), (1, 3), (2, 5)]),
        (None, 4, 6, [(0, 1), (1, 2), (2, 4), (3, 5)]),
        (None, 2, 2, [(0, 0), (1, 1)]),
        ((0, 5), 2, 6, [(0, 0), (1, 5)]),
    ],
)
def test_layers_are_spread_and_the_last_learns_from_the_last(layers, student, there_are, pairs):
    assert layer_map(layers, student, there_are, "here") == pairs
