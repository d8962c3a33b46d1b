"""Of which rows views are made."""

from __future__ import annotations

import numpy as np
import pytest

from hf_efficient.errors import PlanError
from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.how_many import balanced_copies, balancing

PLACE = "augment.below_class_size"

LABELS = ["rare", "common", "common", "rare", "rare", "common", "common", "common"]


def test_small_classes_are_brought_up_to_a_size_evenly():
    views = balancing(LABELS, 7, 0, PLACE)
    rare, common = (sorted(views[[label == name for label in LABELS]].tolist()) for name in ("rare", "common"))
    assert rare == [1, 1, 2]
    assert common == [0, 0, 0, 1, 1]


def test_rows_that_lack_views_have_one_in_each_copy_until_none_is_lacking():
    copies = balanced_copies(LABELS, 7, 0, PLACE)
    assert [len(rows) for rows in copies] == [5, 1]
    assert np.bincount(np.concatenate(copies), minlength=8).tolist() == balancing(LABELS, 7, 0, PLACE).tolist()


def test_a_large_class_is_left_as_it_is():
    views = balancing(LABELS, 5, 0, PLACE)
    assert sorted(views[[label == "rare" for label in LABELS]].tolist()) == [0, 1, 1]
    assert not views[[label == "common" for label in LABELS]].any()


def test_which_rows_have_one_view_more_is_drawn_from_the_seed():
    assert len({tuple(balancing(LABELS, 7, seed, PLACE).tolist()) for seed in range(20)}) > 5


def test_a_size_that_all_classes_have_is_refused():
    with pytest.raises(PlanError, match="below_class_size is 3, and the smallest class has 3 rows; raise it"):
        balancing(LABELS, 3, 0, PLACE)


def test_which_rows_have_one_view_more_says_nothing_of_how_they_change():
    extra = np.flatnonzero(balancing(["a"] * 400, 500, 0, PLACE))
    assert len(extra) == 100
    assert 0.4 < Draws(0, 0, 0).uniform(extra, 0).mean() < 0.6
