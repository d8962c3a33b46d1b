from __future__ import annotations

import pytest
from datasets import Dataset

from hf_efficient.data.guess import guess
from hf_efficient.errors import DataError


def found(**columns):
    return guess(Dataset.from_dict(columns))


@pytest.mark.parametrize(
    ("columns", "text", "pair", "label", "problem"),
    [
        ({"text": ["a b", "c"], "label": ["x", "y"]}, "text", None, "label", "single_label"),
        ({"title": ["a", "b"], "body": ["a b c", "d e"], "Stars": [1, 2]}, "body", None, "Stars", "single_label"),
        ({"premise": ["a"], "hypothesis": ["b"], "label": [1]}, "premise", "hypothesis", "label", "single_label"),
        ({"review": ["a", "b", "c", "d"], "tone": ["x", "y", "x", "y"]}, "review", None, "tone", "single_label"),
        ({"text": ["a", "b"], "rude": [0, 1], "toxic": [1, 1]}, "text", None, ("rude", "toxic"), "multi_label"),
        ({"text": ["a", "b"], "labels": [["x"], ["x", "y"]]}, "text", None, "labels", "multi_label"),
        ({"text": ["a", "b"], "score": [0.5, 1.5]}, "text", None, "score", "regression"),
        ({"text": ["a"] * 30, "score": list(range(30))}, "text", None, "score", "regression"),
    ],
)
def test_columns_and_problem(columns, text, pair, label, problem):
    result = found(**columns)
    assert (result.text, result.text_pair, result.label, result.problem) == (text, pair, label, problem)
    assert len(result.reasons) == 3


def test_what_is_said_about_the_rows():
    result = found(text=["one", "one two three", "one two"], label=["x", "y", "x"])
    assert result.label_counts == (("x", 2), ("y", 1))
    assert result.num_words == (2, 3)
    assert result.reasons == (
        "text: text, by its name",
        "label: label, by its name",
        "problem: single_label, one of 2 classes a row",
    )


def test_a_pair_counts_the_words_of_both_texts():
    assert found(sentence1=["one two"], sentence2=["three"], label=[1]).num_words == (3, 3)


def test_no_labels():
    with pytest.raises(DataError, match="expected a column of labels, found text: none is named label,"):
        found(text=["a", "b"])


def test_no_texts():
    with pytest.raises(DataError, match="expected a column of texts, found width, label"):
        found(width=[1, 2], label=["a", "b"])


@pytest.mark.parametrize(
    ("columns", "recipe"),
    [
        (["tokens", "tags"], "token-classification, .* configs/brown-pos.yaml"),
        (["prompt", "completion"], "text-generation, .* configs/brown-lm.yaml"),
        (["source", "target"], "text2text-generation, .* configs/reverse-words.yaml"),
        (["image", "label"], "image-classification, .* configs/digits.yaml"),
    ],
)
def test_columns_of_another_task_are_told_apart(columns, recipe):
    with pytest.raises(DataError, match=recipe):
        guess(Dataset.from_dict({name: ["a", "b"] for name in columns}))
