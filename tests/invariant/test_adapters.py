"""An adapter's loss and gradient are the same however a batch is split."""

from __future__ import annotations

import pytest

from hf_efficient.recipe import Peft
from tests.processes import run_processes
from tests.tiny import Case, TokenCase
from tests.trajectory import train

SPLITS = {"8x1": (1, 8, 1), "2x4": (1, 2, 4), "2 processes 1x4": (2, 1, 4)}
CASES = {
    "sentences": (Case("bert", "single_label_classification"), Peft(method="lora")),
    "dora": (Case("roberta", "multi_label_classification"), Peft(method="lora", use_dora=True)),
    "images": (Case("vit", "single_label_classification"), Peft(method="vera")),
    "tokens": (TokenCase("distilbert"), Peft(method="oft", oft_block_size=4)),
}


def all_cases(output_dir: str, split: str) -> list:
    world_size, batch, accumulation = SPLITS[split]
    settings = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "max_steps": 3}
    found = []
    for case, section in CASES.values():
        steps, seen = train("efficient", case, 24, output_dir, settings, techniques=[section])
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
            assert step == pytest.approx(expected, rel=1e-4), split
