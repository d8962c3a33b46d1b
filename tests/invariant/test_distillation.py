"""A teacher's answers are one more term of the loss: as exact as the labels', however a batch is split."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hf_efficient.losses import Loss, supervised, supervised_tokens
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import binary_kl, forward_kl, logit_squared_error
from hf_efficient.models.teacher import Teacher, Teachers
from hf_efficient.recipe import Distill
from hf_efficient.techniques.distill.features import feature_losses, projection_of
from tests.splits import MOST_APART, assert_splits_agree, train_split, under_splits
from tests.tiny import Case, TokenCase
from tests.trajectory import train

CASES = {
    "sentences": (Case("bert", "single_label_classification"), supervised("single_label_classification"), forward_kl),
    "many labels": (Case("bert", "multi_label_classification"), supervised("multi_label_classification"), binary_kl),
    "numbers": (Case("bert", "regression"), supervised("regression"), logit_squared_error),
    "images": (Case("vit", "single_label_classification"), supervised("single_label_classification"), forward_kl),
    "tokens": (TokenCase("distilbert"), supervised_tokens(), partial(forward_kl, temperature=2.0)),
}


def taught(case, labels, divergence) -> tuple[Any, list[Loss]]:
    """A student, and its losses: the labels, a teacher's answers, and its hidden states, attention and relations."""
    student, teacher = case.make_model(), case.make_model().eval()
    with torch.no_grad():
        for weight in teacher.parameters():
            weight.mul_(1.5)
    asked = Teacher.on(ARGS, teacher)
    wish = Distill(teacher="t", hidden={}, attention={}, relations={"kind": "minilm"})
    soft = SoftLabels(labels, Teachers.weighted([asked]).logits, divergence, weight=3.0)
    return student, [labels, soft, *feature_losses(wish, student, [asked])]


def taught_by_a_wider_one(case, labels) -> tuple[Any, list[Loss]]:
    """A student whose hidden states go to its teacher's width through a learned map; the labels weigh nothing."""
    student, config = case.make_model(), case.make_model().config
    config.hidden_size = 32
    asked = Teacher.on(ARGS, type(student)(config).eval())
    wish = Distill(teacher="t", hidden={})
    projection = projection_of(wish, student, asked.model)
    return student, [replace(labels, weight=0.0), *feature_losses(wish, student, [asked], projection)]


ARGS = SimpleNamespace(bf16=False, fp16=False, device=torch.device("cpu"))


def all_cases(split: str, output_dir: str) -> list:
    found = []
    for case, labels, divergence in CASES.values():
        student, losses = taught(case, labels, divergence)
        found.append(train_split(split, case, output_dir, losses=losses, model=student))
    return [*found, projected(split, output_dir)]


def projected(split: str, output_dir: str) -> list:
    """The weights of the map are learnt outside of what the labels' loss uses, which DDP must be told."""
    case, labels, _ = CASES["sentences"]
    student, losses = taught_by_a_wider_one(case, labels)
    before = student.distill_projection.weight.clone()
    steps = train_split(split, case, output_dir, losses=losses, model=student)
    assert not torch.equal(student.distill_projection.weight, before)
    return [*steps, (float(student.distill_projection.weight.sum()), float(student.distill_projection.bias.sum()))]


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory):
    return under_splits(all_cases, str(tmp_path_factory.mktemp("runs")), splits=MOST_APART)


@pytest.mark.parametrize("number", range(len(CASES) + 1), ids=[*CASES, "unequal widths"])
def test_loss_and_gradient_do_not_depend_on_the_split(number, trajectories):
    assert_splits_agree({split: found[number] for split, found in trajectories.items()})


def trained(output_dir, **doors) -> list[float]:
    steps, _ = train("efficient", CASES["sentences"][0], 16, str(output_dir), {"max_steps": 2}, **doors)
    return [number for step in steps for number in step]


def test_the_teacher_changes_the_run_unless_it_weighs_nothing(tmp_path):
    plain = trained(tmp_path)
    student, losses = taught(*CASES["sentences"])
    weightless = [losses[0], *(replace(loss, weight=0.0) for loss in losses[1:])]
    assert trained(tmp_path, losses=weightless, model=student) == pytest.approx(plain)
    for number in range(1, len(losses)):
        student, losses = taught(*CASES["sentences"])
        alone = [losses[0], losses[number]]
        assert trained(tmp_path, losses=alone, model=student) != pytest.approx(plain), losses[number].name
