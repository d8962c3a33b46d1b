"""Which rows a plan keeps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from datasets import Dataset

from hf_efficient.plan import Plan
from hf_efficient.recipe import Prune
from hf_efficient.techniques import prune


@pytest.mark.parametrize(
    ("problem", "labels", "kept"),
    [
        # No class is lost, not even where most rows have one of their own.
        ("single_label", [0, 1, 2, 2], [0, 1, 2]),
        # Six rows of the common class alone, four of the second, two of the third.
        ("multi_label", [[1, 0, 0]] * 6 + [[1, 1, 0]] * 4 + [[1, 0, 1]] * 2, [0, 1, 2, 6, 7, 10]),
    ],
)
def test_a_share_of_each_class_is_kept(problem, labels, kept):
    lengths = list(range(len(labels), 0, -1))
    plan = Plan(
        args=SimpleNamespace(seed=0, data_seed=None),
        train_dataset=Dataset.from_dict({"length": lengths, "labels": labels, "number": range(len(labels))}),
        task=SimpleNamespace(facts=lambda: {"problem": problem}),
    )
    pruned = prune.apply(plan, Prune(by="length", keep=0.5, stratify=True))
    assert pruned.train_dataset["number"][:] == kept
