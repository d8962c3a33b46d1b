"""Random choices with one seed that have nothing to do with each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from datasets import Dataset

from hf_efficient.data.batches import Batches, Split
from hf_efficient.data.keep import kept_rows
from hf_efficient.data.label_noise import with_label_noise
from hf_efficient.data.order import random_ranks, ranked
from hf_efficient.data.randomness import generator_for

NUM_ROWS = 2_000


def noisy_rows(seed):
    labels = [0, 1] * (NUM_ROWS // 2)
    noisy = with_label_noise(Dataset.from_dict({"label": labels}), "label", 0.2, seed)
    return np.flatnonzero(np.asarray(noisy["label"]) != labels)


def first_fifths(seed):
    """A fifth of the rows by every choice there is."""
    equal = np.zeros(NUM_ROWS, dtype=np.float32)
    epoch = np.concatenate(Batches(np.ones(NUM_ROWS, dtype=np.int64)).sampler(Split(20, 1, 1), seed=seed).steps())
    firsts = [rows[: NUM_ROWS // 5] for rows in (random_ranks(NUM_ROWS, seed), ranked(equal, seed), epoch)]
    return [*firsts, kept_rows(NUM_ROWS, 0.2, None, seed=seed), noisy_rows(seed)]


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_no_two_choices_agree_more_than_by_chance(seed):
    for one, other in combinations(first_fifths(seed), 2):
        # A fifth of 400 rows is 80, give or take 7.2: hypergeometric.
        assert abs(len(set(one) & set(other)) - 80) < 36
    noisy = set(noisy_rows(seed))
    for fifth in random_ranks(NUM_ROWS, seed).reshape(5, -1):
        assert abs(len(noisy & set(fifth)) - 80) < 36


def test_a_purpose_and_its_numbers_decide():
    drawn = [generator_for(*of).random() for of in (("a", 1), ("a", 1), ("b", 1), ("a", 2))]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_what_is_drawn_stays_what_it_was():
    drawn = [generator_for(*of).integers(1000, size=4).tolist() for of in ((3, 1), (3, 1, 0), ("a", 3, 1))]
    assert drawn == [[978, 253, 579, 407], [978, 253, 579, 407], [938, 642, 905, 736]]
