"""Words of many texts, and random numbers that depend on the row alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.words import Words, choose, num_words

DRAWS = Draws(seed=1, epoch=0, copy=0)
TEXTS = pa.array(["a b c", "  one\ttwo ", "", "x"])


def words(texts=TEXTS, rows=None):
    return Words.of_texts(texts, np.arange(len(texts)) if rows is None else rows)


def test_words_are_what_white_space_parts():
    assert words().values.to_pylist() == ["a", "b", "c", "one", "two", "", "x"]
    assert words().counts.tolist() == [3, 2, 1, 1]
    assert words().texts().to_pylist() == ["a b c", "one two", "", "x"]


def test_words_of_a_part_of_an_array():
    part = pa.array([["a"], ["b", "c"], ["d"]])[1:]
    found = Words.of_lists(part, [1, 2])
    assert found.values.to_pylist() == ["b", "c", "d"]
    assert found.begins.tolist() == [0, 2, 3]


def test_other_words_and_more_words():
    changed = words().with_words(np.array([1, 4]), pa.array(["B", "TWO"]))
    assert changed.texts().to_pylist() == ["a B c", "one TWO", "", "x"]
    # Behind the last word of the first text and before the first one of the second, which is the same place.
    more = words().with_more(np.array([0, 3, 3]), pa.array(["0", "d", "zero"]), np.array([0, 0, 1]))
    assert more.texts().to_pylist() == ["0 a b c d", "zero one two", "", "x"]


@pytest.mark.parametrize(
    ("share", "counts", "numbers"), [(0.0, [5], [0]), (0.1, [1, 4, 26], [1, 1, 3]), (1.0, [3], [3])]
)
def test_a_share_is_at_least_one_word(share, counts, numbers):
    assert num_words(share, np.array(counts)).tolist() == numbers


def test_so_many_words_are_chosen_and_none_twice():
    counts = np.bincount(words().text_of[choose(words(), np.array([2, 2, 1, 0]), DRAWS)], minlength=4)
    assert counts.tolist() == [2, 2, 1, 0]


def test_only_words_that_may_be_are_chosen():
    among = np.array([True, False, True, False, False, False, True])
    assert choose(words(), np.array([3, 1, 1, 1]), DRAWS, among).tolist() == [0, 2, 6]


def test_all_choices_of_two_are_equally_likely():
    many = words(pa.array(["a b c d"] * 6000))
    chosen = choose(many, np.full(6000, 2), DRAWS).reshape(-1, 2) % 4
    counts = Counter(map(tuple, chosen.tolist()))
    assert len(counts) == 6
    assert all(count == pytest.approx(1000, abs=120) for count in counts.values())  # 4 standard errors


def test_random_numbers_are_uniform():
    drawn = DRAWS.uniform(np.arange(20_000), 0)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(2000, abs=180)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_random_numbers_depend_on_all_that_they_are_of_and_on_nothing_else():
    rows = np.array([5, 3])
    drawn = DRAWS.uniform(rows, 0)
    assert DRAWS.uniform(np.array([3]), 0)[0] == drawn[1]
    others = [Draws(2, 0, 0), Draws(1, 1, 0), Draws(1, 0, 1), Draws(1, 0, 0, column=1)]
    different = [*(other.uniform(rows, 0) for other in others), DRAWS.uniform(rows, 1), DRAWS.uniform(rows, 0, 1)]
    assert len({drawn[0], *(other[0] for other in different)}) == 7
    assert DRAWS.seeds([3])[0] == DRAWS.seeds(rows)[1] != DRAWS.seeds(rows)[0]


def test_whole_numbers_stay_below_the_ends():
    drawn = DRAWS.below(np.full(1000, 3), np.arange(1000), 0)
    assert set(drawn.tolist()) == {0, 1, 2}
