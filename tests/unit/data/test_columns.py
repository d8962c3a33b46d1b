from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from hf_efficient.data.columns import Roles, read_texts, read_weights, refuse_weightless, resolve_columns
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe import Columns


def table(**columns):
    return Dataset.from_dict(columns)


@pytest.mark.parametrize(
    ("columns", "rows", "roles"),
    [
        (Columns(), {"text": ["a"], "title": ["b"], "label": [1]}, Roles("text", None, ("label",), None)),
        (Columns(), {"review": ["a"], "labels": [1]}, Roles("review", None, ("labels",), None)),
        (Columns(), {"review": ["a"], "label": ["x"]}, Roles("review", None, ("label",), None)),
        (Columns(), {"review": ["a"]}, Roles("review", None, (), None)),
        (
            Columns(text="a", text_pair="b", label=("c", "d"), weight="e"),
            {"a": ["1"], "b": ["2"], "c": [0], "d": [1], "e": [1.0]},
            Roles("a", "b", ("c", "d"), "e"),
        ),
        (Columns(text_pair="b"), {"a": ["1"], "b": ["2"], "label": [1]}, Roles("a", "b", ("label",), None)),
    ],
)
def test_columns_are_named_or_told_from_names_and_types(columns, rows, roles):
    assert resolve_columns(columns, table(**rows), str) == roles


@pytest.mark.parametrize("part", ["text", "text_pair", "label", "weight"])
def test_a_column_that_does_not_exist_names_the_nearest(part):
    columns = Columns(**{part: "reveiw"})
    place = "a.yaml:3: {}".format
    said = rf"^a.yaml:3: data.columns.{part}: there is no column reveiw, only review, label. Did you mean review\?$"
    with pytest.raises(RecipeError, match=said):
        resolve_columns(columns, table(review=["a"], label=[1]), place)


def test_two_columns_of_strings_leave_the_choice_to_the_user():
    with pytest.raises(DataError, match=r"columns of strings are title, body; name it in data.columns.text"):
        resolve_columns(Columns(), table(title=["a"], body=["b"], label=[1]), str)


def test_no_column_of_strings():
    with pytest.raises(DataError, match="there are length, label; name it"):
        resolve_columns(Columns(), table(length=[3], label=[1]), str)


def test_an_empty_text_is_a_text():
    assert read_texts(table(text=["a", ""]), "text", "train") == ["a", ""]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", None, None], r"^test row 2: column text: expected a text, found none \(2 rows so\); fill or drop them$"),
        ([None, 3.5], r"^test row 2: column text: expected a text, found 3.5; put texts in quotes$"),
        ([None, None], r"^test row 1: column text: expected a text, found none"),
    ],
)
def test_what_is_no_text(values, said):
    with pytest.raises(DataError, match=said):
        read_texts(table(text=values), "text", "test")


def test_a_split_without_the_text_column():
    with pytest.raises(DataError, match=r"^test: there is no column text, only texts. Did you mean texts\?$"):
        read_texts(table(texts=["a"]), "text", "test")


def test_weights_are_floats():
    weights = read_weights(table(weight=[1, 0, 3]), "weight", "train")
    assert weights.dtype == np.float32
    assert weights.tolist() == [1.0, 0.0, 3.0]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), None])
def test_what_is_no_weight(value):
    with pytest.raises(DataError, match="train row 2: column weight: expected a weight of at least 0"):
        read_weights(table(weight=[1.0, value]), "weight", "train")


def test_all_weights_zero():
    with pytest.raises(DataError, match="train: column weight: expected weights, found only 0"):
        refuse_weightless(table(sample_weight=[0.0, 0.0]), "weight", "train")
    refuse_weightless(table(sample_weight=[0.0, 1.0]), "weight", "train")
    refuse_weightless(table(text=["a"]), None, "train")


def test_a_split_without_the_weight_column():
    with pytest.raises(DataError, match="test: there is no column weight, only text"):
        read_weights(table(text=["a"]), "weight", "test")
