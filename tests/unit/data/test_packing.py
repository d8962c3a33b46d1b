from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_efficient.data.packing import (
    TokenRows,
    as_dataset,
    as_packed_dataset,
    best_fit,
    cut,
    refuse_long,
    split_long,
)
from hf_efficient.errors import DataError


def make(*rows: list[int], unlearnt: int = 0) -> TokenRows:
    """Rows of ids, the first `unlearnt` tokens of each not to be learnt."""
    learnt = [index >= unlearnt for row in rows for index in range(len(row))]
    lengths = np.array([len(row) for row in rows])
    return TokenRows(np.concatenate(rows).astype(np.int32), np.array(learnt), lengths)


def ids(rows: TokenRows) -> list[list[int]]:
    return [rows.ids[start : start + length].tolist() for start, length in zip(rows.starts, rows.lengths, strict=True)]


ROWS = make([1, 2, 3, 4, 5], [6, 7], [8, 9, 10])


def test_cut():
    assert ids(cut(ROWS, 3)) == [[1, 2, 3], [6, 7], [8, 9, 10]]


def test_split_long_loses_no_token():
    assert ids(split_long(ROWS, 2)) == [[1, 2], [3, 4], [5], [6, 7], [8, 9], [10]]


def test_refuse_long_names_the_row():
    refuse_long(ROWS, 5, "train")
    with pytest.raises(DataError, match=r"^train row 1: expected at most 4 tokens, found 5; "):
        refuse_long(ROWS, 4, "train")


def test_best_fit_by_hand():
    """6 goes first, 4 fills its room exactly, 3 and 3 share the next one, and 5 needs a third."""
    assert best_fit(np.array([3, 6, 3, 5, 4]), 10) == [[1, 4], [3, 0], [2]]


@given(st.lists(st.integers(1, 16), min_size=1, max_size=60))
def test_best_fit_holds_every_row_once_and_no_sequence_overflows(lengths):
    sequences = best_fit(np.array(lengths), 16)
    assert sorted(row for sequence in sequences for row in sequence) == list(range(len(lengths)))
    sizes = [sum(lengths[row] for row in sequence) for sequence in sequences]
    assert max(sizes) <= 16
    assert sum(size <= 8 for size in sizes) <= 1, "two half-empty sequences could have been one"


def test_a_dataset_of_rows():
    table = as_dataset(make([1, 2, 3], [4, 5, 6, 7], unlearnt=2))
    assert table.to_list() == [
        {"input_ids": [1, 2, 3], "labels": [-100, -100, 3], "length": 3},
        {"input_ids": [4, 5, 6, 7], "labels": [-100, -100, 6, 7], "length": 4},
    ]


def test_rows_that_share_a_sequence_begin_anew_and_are_no_label_of_their_neighbour():
    table = as_packed_dataset(ROWS, 5)
    assert table.to_list() == [
        {"input_ids": [1, 2, 3, 4, 5], "labels": [-100, 2, 3, 4, 5], "position_ids": [0, 1, 2, 3, 4], "length": 5},
        {"input_ids": [8, 9, 10, 6, 7], "labels": [-100, 9, 10, -100, 7], "position_ids": [0, 1, 2, 0, 1], "length": 5},
    ]
