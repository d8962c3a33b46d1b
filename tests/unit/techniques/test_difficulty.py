"""Rows that can be ranked, and what is shown of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from datasets import Dataset

from hf_efficient.errors import PlanError
from hf_efficient.plan import Plan
from hf_efficient.recipe import Curriculum
from hf_efficient.techniques.curriculum.facts import text_of
from hf_efficient.techniques.difficulty import check_rows


def test_rows_without_labels_have_no_text_of_another_epoch():
    """Two epochs of two texts and a row without a label."""
    plan = SimpleNamespace(
        train_table=Dataset.from_dict({"text": ["a", "b", "a of epoch 2", "b of epoch 2"]}),
        task=SimpleNamespace(columns=SimpleNamespace(text="text")),
        train_dataset=Dataset.from_dict({"input_ids": [[1]] * 6}),
        rows_per_epoch=3,
        num_train_rows=3,
        num_unlabelled=1,
    )
    assert [text_of(plan)(row) for row in range(3)] == ["a", "b", None]


@pytest.mark.parametrize(
    ("rows", "message"), [(None, "there are none; give train_dataset"), (iter([]), "this data set has no length")]
)
def test_rows_that_can_not_be_ranked(rows, message):
    with pytest.raises(PlanError, match=f"curriculum ranks all training rows, and {message}"):
        check_rows(Plan(train_dataset=rows), Curriculum(by="length"), "curriculum")
