"""A teacher's answers are one more term of the loss: as exact as the labels', however a batch is split."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from hf_efficient.losses import supervised, supervised_tokens
from hf_efficient.losses.distillation import SoftLabels
from hf_efficient.losses.divergences import binary_kl, forward_kl, logit_squared_error
from tests.processes import run_processes
from tests.tiny import Case, TokenCase
from tests.trajectory import train

SPLITS = {"8x1": (1, 8, 1), "2x4": (1, 2, 4), "2 processes 1x4": (2, 1, 4)}
CASES = {
    "sentences": (Case("bert", "single_label_classification"), supervised("single_label_classification"), forward_kl),
    "many labels": (Case("bert", "multi_label_classification"), supervised("multi_label_classification"), binary_kl),
    "numbers": (Case("bert", "regression"), supervised("regression"), logit_squared_error),
    "images": (Case("vit", "single_label_classification"), supervised("single_label_classification"), forward_kl),
    "tokens": (TokenCase("distilbert"), supervised_tokens(), partial(forward_kl, temperature=2.0)),
}


def answers(case):
    """A teacher of the same architecture with other weights."""
    model = case.make_model().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    return lambda inputs: torch.no_grad()(model)(**inputs)["logits"]


def all_cases(output_dir: str, split: str) -> list:
    world_size, batch, accumulation = SPLITS[split]
    settings = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "max_steps": 3,
    }
    found = []
    for case, labels, divergence in CASES.values():
        losses = [labels, SoftLabels(labels, answers(case), divergence, weight=3.0)]
        steps, seen = train("efficient", case, 24, output_dir, settings, losses=losses)
        assert seen == world_size
        found.append(steps)
    return found


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory):
    return {
        split: run_processes(world_size, all_cases, str(tmp_path_factory.mktemp("runs")), split)[0]
        for split, (world_size, _, _) in SPLITS.items()
    }


@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_loss_and_gradient_do_not_depend_on_the_split(number, trajectories):
    whole = trajectories["8x1"][number]
    assert len(whole) == 3
    for split in SPLITS:
        for step, expected in zip(trajectories[split][number], whole, strict=True):
            assert step == pytest.approx(expected, rel=1e-5), split


def trained(output_dir, **doors) -> list[float]:
    steps, _ = train("efficient", CASES["sentences"][0], 16, str(output_dir), {"max_steps": 2}, **doors)
    return [number for step in steps for number in step]


def test_the_teacher_changes_the_run_unless_it_weighs_nothing(tmp_path):
    case, labels, divergence = CASES["sentences"]
    plain = trained(tmp_path)
    soft = SoftLabels(labels, answers(case), divergence)
    assert trained(tmp_path, losses=[labels, replace(soft, weight=0.0)]) == pytest.approx(plain)
    assert trained(tmp_path, losses=[labels, soft]) != pytest.approx(plain)
