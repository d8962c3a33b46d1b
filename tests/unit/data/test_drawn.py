"""Rows that are drawn when they are asked for."""

from __future__ import annotations

import pickle

import numpy as np
from datasets import Dataset

from hf_efficient.data.drawn import ITSELF, DrawnRows, is_drawn_anew, layout
from hf_efficient.data.fed import numbered
from hf_efficient.losses import ROW_NUMBER


def told(number, copy, epoch):
    return {"number": number, "copy": copy, "epoch": epoch}


def drawn(**settings):
    rows = Dataset.from_dict({"value": [10, 11, 12]})
    return DrawnRows(rows, np.asarray([2, 0]), np.asarray([ITSELF, 1]), told, ("value",), **settings)


def test_a_place_tells_row_copy_and_epoch():
    rows = drawn()
    assert rows[0] == {"number": 2, "copy": ITSELF, "epoch": 0}
    assert rows[5] == {"number": 0, "copy": 1, "epoch": 2}
    assert rows.rows_per_epoch == 2
    assert is_drawn_anew(rows)


def test_fixed_views_are_those_of_the_first_epoch():
    rows = drawn(is_fixed=True)
    assert len(rows) == 2
    assert rows[1]["epoch"] == 0
    assert not is_drawn_anew(rows)


def test_rows_that_are_selected_are_those_there_are_views_of():
    assert drawn().select(range(2))["value"][:] == [12, 10]


def test_workers_that_are_started_anew_get_a_copy():
    assert pickle.loads(pickle.dumps(drawn()))[3] == drawn()[3]


def test_rows_themselves_come_first_and_then_copy_by_copy():
    numbers, copies = layout(3, [np.asarray([0, 2]), np.asarray([2])], originals=True)
    assert numbers.tolist() == [0, 1, 2, 0, 2, 2]
    assert copies.tolist() == [ITSELF, ITSELF, ITSELF, 0, 0, 1]


def test_views_alone():
    numbers, copies = layout(2, [np.arange(2)], originals=False)
    assert (numbers.tolist(), copies.tolist()) == ([0, 1], [0, 0])


def test_numbers_are_those_in_the_epoch():
    rows = numbered(drawn(), 2)
    assert [rows[index][ROW_NUMBER] for index in (0, 1, 4, 7)] == [0, 1, 0, 1]
    assert rows.column_names == ("value", ROW_NUMBER)
