from __future__ import annotations

from types import SimpleNamespace

import pytest
from datasets import Dataset, Value

from hf_efficient.data.unlabelled import append_unlabelled, load_unlabelled, views_beside
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe.data import DataSection

ROLES = SimpleNamespace(label=("label",), weight="weight")


def rows(*ids: int, **columns) -> Dataset:
    return Dataset.from_dict({"input_ids": [[number] for number in ids], "length": [1] * len(ids), **columns})


@pytest.mark.parametrize("labels", [[1, 0], [0.5, -2.0], [[0.0, 1.0], [1.0, 1.0]]], ids=str)
def test_rows_without_labels_come_last_and_weigh_nothing(labels):
    found = append_unlabelled(rows(4, 5, labels=labels), rows(6, 7, 8))
    assert found["input_ids"][:] == [[4], [5], [6], [7], [8]]
    assert found["sample_weight"][:] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert found["labels"][:] == [*labels, labels[0], labels[0], labels[0]]


def test_weights_of_labelled_rows_stay():
    train = rows(4, 5, labels=[1, 0], sample_weight=[0.5, 2.0]).cast_column("sample_weight", Value("float32"))
    assert append_unlabelled(train, rows(6))["sample_weight"][:] == [0.5, 2.0, 0.0]


def test_each_word_stands_for_a_label():
    train = Dataset.from_dict({"input_ids": [[4, 5]], "length": [2], "word_starts": [[0]], "labels": [[2, -100]]})
    other = Dataset.from_dict({"input_ids": [[4, 5, 6, 7]], "length": [4], "word_starts": [[1, 2, -1]]})
    assert append_unlabelled(train, other)["labels"][:] == [[2, -100], [-100, 0, 0, -100]]


def test_labels_among_them_are_not_looked_at(tmp_path):
    file = tmp_path / "tweets.csv"
    file.write_text("text,label,weight,id\nhi,no class at all,-1,7\n")
    table = load_unlabelled(DataSection(train="t.csv", unlabelled=str(file)), ROLES, str)
    assert table is not None
    assert table.to_list() == [{"text": "hi", "id": 7}]


def test_they_may_be_a_split_of_the_data_set():
    table = load_unlabelled(DataSection(name="demo/smoke", unlabelled="validation"), ROLES, str)
    assert table is not None
    assert (len(table), table.column_names) == (16, ["text"])


def test_there_are_none_by_default():
    assert load_unlabelled(DataSection(train="t.csv"), ROLES, str) is None


def test_a_file_without_rows_is_refused(tmp_path):
    file = tmp_path / "tweets.csv"
    file.write_text("text\n")
    with pytest.raises(DataError):
        load_unlabelled(DataSection(train="t.csv", unlabelled=str(file)), ROLES, str)


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(RecipeError, match=r"data\.unlabelled: .*tweets\.csv"):
        load_unlabelled(DataSection(train="t.csv", unlabelled="no/tweets.csv"), ROLES, str)


@pytest.mark.parametrize(
    ("views", "rows_per_epoch", "expected"),
    [
        ([[1], [2]], None, [None, None, [1], [2]]),
        ([[1], [2]], 2, [None, [1], None, [2]]),
        ([[1]], 2, [None, [1], None, [1]]),
    ],
)
def test_views_stand_beside_their_rows(views, rows_per_epoch, expected):
    table = Dataset.from_dict({"input_ids": views, "attention_mask": views, "length": [1] * len(views)})
    num_unlabelled = 2 if rows_per_epoch is None else 1
    found = views_beside(rows(4, 5, 6, 7, labels=[0] * 4), table, num_unlabelled, rows_per_epoch)
    assert found["of_view_input_ids"][:] == expected
    assert found.column_names == ["input_ids", "length", "labels", "of_view_input_ids", "of_view_attention_mask"]
