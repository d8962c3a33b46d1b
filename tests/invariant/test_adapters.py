"""An adapter's loss and gradient are the same however a batch is split."""

from __future__ import annotations

import pytest

from hf_efficient.recipe import Peft
from tests.splits import MOST_APART, assert_splits_agree, train_split, under_splits
from tests.tiny import Case, TokenCase

CASES = {
    "sentences": (Case("bert", "single_label_classification"), Peft(method="lora")),
    "dora": (Case("roberta", "multi_label_classification"), Peft(method="lora", use_dora=True)),
    "images": (Case("vit", "single_label_classification"), Peft(method="vera")),
    "tokens": (TokenCase("distilbert"), Peft(method="oft", oft_block_size=4)),
}


def all_cases(split: str, output_dir: str) -> list:
    return [train_split(split, case, output_dir, techniques=[section]) for case, section in CASES.values()]


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory):
    return under_splits(all_cases, str(tmp_path_factory.mktemp("runs")), splits=MOST_APART)


@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_loss_and_gradient_do_not_depend_on_the_split(number, trajectories):
    assert_splits_agree({split: found[number] for split, found in trajectories.items()}, tolerance=1e-4)
