from __future__ import annotations

import pytest
from datasets import ClassLabel, Dataset, Features, List
from hypothesis import given
from hypothesis import strategies as st

from hf_efficient.data.labels import class_ids, class_vectors, is_labelled, learn_classes, numbers, read_labels
from hf_efficient.errors import DataError, PlanError

COLOURS = ClassLabel(names=["red", "green", "blue"])


def table(feature=None, **columns):
    features = None if feature is None else Features(dict.fromkeys(columns, feature))
    return Dataset.from_dict(columns, features=features)


def classes(rows, columns=("label",), wanted=None):
    return learn_classes(rows, columns, read_labels(rows, columns, "train"), wanted, "task.labels")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["b", "a", "b"], ("a", "b")),
        ([9, 3, 10, 3], ("3", "9", "10")),
        ([True, False], ("False", "True")),
        ([-1, 1], ("-1", "1")),
        ([2.0, 1.0], ("1", "2")),
        ([["b"], [], ["a", "c"]], ("a", "b", "c")),
        ([[2, 7], [3]], ("2", "3", "7")),
        ([[0, 1, 0], [1, 1, 0]], ("0", "1", "2")),
        ([[0.0, 1.0], [1.0, 0.0]], ("0", "1")),
    ],
)
def test_classes_are_the_sorted_values(values, names):
    assert classes(table(label=values)) == names


def test_the_data_sets_own_names_keep_their_order_and_those_without_rows():
    rows = table(COLOURS, label=[2, 0, 2])
    assert read_labels(rows, ("label",), "train") == ["blue", "red", "blue"]
    assert classes(rows) == ("red", "green", "blue")
    lists = table(List(COLOURS), label=[[2], [0, 1], []])
    assert read_labels(lists, ("label",), "train") == [["blue"], ["red", "green"], []]
    assert classes(lists) == ("red", "green", "blue")


def test_several_columns_are_several_labels():
    rows = table(toxic=[0, 1], rude=[True, True])
    assert read_labels(rows, ("toxic", "rude"), "train") == [["rude"], ["toxic", "rude"]]
    assert classes(rows, ("toxic", "rude")) == ("toxic", "rude")


def test_vectors_of_0_and_1_are_several_labels():
    assert read_labels(table(label=[[0, 1, 1], [0, 0, 0]]), ("label",), "train") == [["1", "2"], []]


def test_lists_of_ids_are_not_taken_for_vectors():
    assert read_labels(table(label=[[0, 1], [1, 0]]), ("label",), "train") == [["0", "1"], ["1", "0"]]


@pytest.mark.parametrize(
    ("wanted", "values"), [(("b", "a"), ["a", "b"]), (("no", "yes"), [0, 1]), (("no", "yes"), [True, False])]
)
def test_the_recipe_orders_classes_or_names_ids(wanted, values):
    assert classes(table(label=values), wanted=wanted) == wanted


def test_ids_follow_the_names():
    assert class_ids([7, 3, 9.0], ("3", "7", "9"), "train").tolist() == [1, 0, 2]
    assert class_ids([1, 0], ("no", "yes"), "train").tolist() == [1, 0]
    assert class_ids([True, False], ("no", "yes"), "train").tolist() == [1, 0]
    assert class_ids([1, 0], ("1", "0"), "train").tolist() == [0, 1]


def test_vectors_follow_the_names():
    assert class_vectors([["b"], [], ["a", "b"]], ("a", "b"), "train").tolist() == [[0, 1], [0, 0], [1, 1]]


@given(st.lists(st.one_of(st.integers(-5, 5), st.booleans()), min_size=1))
def test_every_label_finds_its_own_name_again(values):
    rows = Dataset.from_dict({"label": [int(value) for value in values]})
    names = classes(rows)
    ids = class_ids(rows["label"][:], names, "train")
    assert [int(names[index]) for index in ids] == rows["label"][:]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("neg", "poz"), r"the training rows also have pos and no training row has poz. Did you mean pos\?"),
        (("neg",), "the training rows also have pos"),
        (("neg", "pos", "pos"), "expected each class once, found neg, pos, pos"),
    ],
)
def test_wanted_classes_that_are_not_those_of_the_rows(wanted, said):
    with pytest.raises(PlanError, match=said):
        classes(table(label=["neg", "pos"]), wanted=wanted)


def test_labels_unseen_in_training_are_named_and_counted():
    with pytest.raises(DataError, match=r"^validation: .* a, b; found c \(2 rows\), d \(1 row\); correct task.labels"):
        class_ids(["a", "c", "c", "d"], ("a", "b"), "validation")


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (table(label=["a", None]), ("label",), r"^test row 2: column label: expected a label, found none \(1 row so\)"),
        (table(label=["a", ""]), ("label",), "^test row 2: column label: expected a label, found none"),
        (table(label=[1.0, float("nan")]), ("label",), "^test row 2: column label: expected a label, found none"),
        (table(label=[["a"], ["b", None]]), ("label",), "^test row 2: column label, inside the list of row 2"),
        (
            table(COLOURS, label=[0, -1]),
            ("label",),
            "^test row 2: column label: expected a class from 0 to 2, found -1$",
        ),
        (table(a=[0, 2], b=[0, 1]), ("a", "b"), "^test row 2: column a: expected 0 or 1, found 2$"),
        (table(a=[0]), ("a", "b"), "^test: there is no column b, only a"),
        (table(text=["a"]), (), "^test: expected a column named label or labels; there are text; name it"),
    ],
)
def test_labels_that_cant_be_used(rows, columns, said):
    with pytest.raises(DataError, match=said):
        read_labels(rows, columns, "test")


def test_hidden_labels_are_no_labels():
    assert not is_labelled(table(COLOURS, label=[-1, -1]), ("label",))
    assert not is_labelled(table(label=[None, None]), ("label",))
    assert not is_labelled(table(text=["a"]), ("label",))
    assert not is_labelled(table(text=["a"]), ())
    assert is_labelled(table(label=[-1, 1]), ("label",))


def test_numbers():
    assert numbers([1, 2.5], "train").tolist() == [1.0, 2.5]


@pytest.mark.parametrize("value", ["5", True, float("inf")])
def test_what_is_no_number(value):
    with pytest.raises(DataError, match="test row 2: a regression expects numbers as labels"):
        numbers([1.0, value], "test")
