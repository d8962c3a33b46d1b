"""Difficulty that rows tell by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from datasets import Dataset

from hf_efficient.data.difficulty import disagreement, histogram, rarity, read_scores, scores_of_function
from hf_efficient.errors import DataError, PlanError

ROWS = Dataset.from_dict(
    {
        "text": ["a", "bb", "ccc"],
        "score": [1.0, 2.5, -1.0],
        "gap": [1.0, None, 2.0],
        "ratings": [[1, 1], [1, 3], [0, 4, None]],
        "names": [["x", "x"], ["x", "y"], ["x", "x"]],
        "first": [0, 1, 2],
        "second": [0, 3, 6],
    }
)


def lengths(rows):
    return [len(text) for text in rows["text"]]


def one_too_few(rows):
    return [1.0] * (len(rows) - 1)


def fails(rows):
    return [row["nothing"] for row in rows]


def not_finite(rows):
    return [1.0, math.nan, 2.0]


def test_rarity_is_the_mean_surprise_of_the_tokens():
    # Four tokens: 7 twice, 8 and 9 once.
    found = rarity([[7, 7], [8], [9]])
    assert found.tolist() == pytest.approx([math.log(2), math.log(4), math.log(4)])
    assert rarity([[7, 8], [7], []]).tolist() == pytest.approx([math.log(1.5) / 2 + math.log(3) / 2, math.log(1.5), 0])


def test_columns_and_ratings():
    assert read_scores(ROWS, "score", "here").tolist() == [1.0, 2.5, -1.0]
    assert disagreement(ROWS, ["ratings"], "here").tolist() == [0.0, 1.0, 2.0]
    assert disagreement(ROWS, ["first", "second"], "here").tolist() == [0.0, 1.0, 2.0]
    assert disagreement(ROWS, ["names"], "here").tolist() == pytest.approx([0.0, math.log(2), 0.0])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("scor", "there is no column scor, only .* Did you mean score?"),
        ("gap", "train row 2: expected a finite number, found None"),
        ("text", "train row 1: expected a finite number, found 'a'"),
    ],
)
def test_columns_that_are_none(column, message):
    with pytest.raises(DataError, match=message):
        read_scores(ROWS, column, "curriculum.column")


def test_a_single_rating_disagrees_with_nobody():
    with pytest.raises(DataError, match=r"train row 1: expected two ratings or more, found 1\.0"):
        disagreement(ROWS, ["score"], "curriculum.column")


def test_functions():
    assert scores_of_function(f"{__name__}:lengths", ROWS, "here").tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere:f", PlanError, "can't be imported .*No module named 'nowhere'"),
        (f"{__name__}:length", PlanError, "has no function length. Did you mean lengths"),
        (f"{__name__}:ROWS", PlanError, "has no function ROWS"),
        (f"{__name__}:one_too_few", PlanError, "to give 3 numbers, one a row, found 2"),
        (f"{__name__}:fails", PlanError, "fails with KeyError"),
        (f"{__name__}:not_finite", DataError, "train row 2: expected a finite number, found nan"),
    ],
)
def test_functions_that_can_not_be_used(name, error, message):
    with pytest.raises(error, match=message) as caught:
        scores_of_function(name, ROWS, "curriculum.function")
    assert "\n" not in str(caught.value)


def test_histogram():
    found = histogram(np.asarray([0.0, 0.05, 1.0]))
    assert found["counts"] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found["edges"][1] == pytest.approx(0.1)
