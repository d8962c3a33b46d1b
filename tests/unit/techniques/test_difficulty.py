"""What is shown of rows that were scored."""

from __future__ import annotations

from types import SimpleNamespace

from datasets import Dataset

from hf_efficient.techniques.difficulty import text_of


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
