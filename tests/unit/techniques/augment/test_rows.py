"""Rows of a table with views for their texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from hf_efficient.data.train_rows import TrainRows
from hf_efficient.recipe.augment import Augment
from hf_efficient.techniques.augment import texts
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.rows import facts_of, in_one_piece, make_views

LABEL = ClassLabel(names=["bad", "good"])
FEATURES = Features({"id": Value("int32"), "a": Value("large_string"), "label": LABEL, "b": Value("string")})
BOTH = Augment(random_swap={}, random_delete={})


def table(num_rows=30):
    """Rows in another order than they lie in."""
    numbers = range(num_rows)
    texts = [f"one two three four {number}" for number in numbers]
    columns = {"id": list(numbers), "a": texts, "label": [n % 2 for n in numbers], "b": texts}
    return Dataset.from_dict(columns, features=FEATURES).select(list(reversed(numbers)))


def views(section, num_rows=30, chosen=None, pair="b"):
    rows = in_one_piece(TrainRows(table(num_rows), SimpleNamespace(text="a", text_pair=pair), seed=0, place=str))
    chosen = np.arange(num_rows) if chosen is None else np.array(chosen)
    return make_views(rows, chosen, make_augmenters(section.text_augmenters, str), 0, 0)


def test_only_texts_change_and_types_stay():
    made = views(BOTH)
    assert made.table.features == FEATURES
    assert made.table["id"][:] == list(reversed(range(30)))
    assert made.table["label"][:] == [n % 2 for n in reversed(range(30))]
    assert all({*view.split()} <= {*text.split()} for view, text in zip(made.table["a"], table()["a"], strict=True))
    assert made.num_unchanged == 0


def test_both_texts_of_a_pair_change_by_one_augmenter_each_in_its_own_way():
    made = views(BOTH)
    num_words = {"random_swap": 5, "random_delete": 4}
    for row, name in zip(made.table, made.by, strict=True):
        assert len(row["a"].split()) == len(row["b"].split()) == num_words[name]
    assert made.table["a"][:] != made.table["b"][:]


def test_each_view_takes_one_augmenter_by_chance():
    assert Counter(views(BOTH, 2000, pair=None).by)["random_swap"] == pytest.approx(1000, abs=90)


def test_some_of_the_rows_have_the_views_that_they_have_among_all():
    whole, some = views(BOTH).table, views(BOTH, chosen=[3, 17, 29]).table
    assert some[:] == whole.select([3, 17, 29])[:]


def test_views_do_not_depend_on_how_many_texts_are_held_in_memory(monkeypatch):
    whole = views(BOTH).table[:]
    monkeypatch.setattr(texts, "_BLOCK", 4)
    assert views(BOTH).table[:] == whole


def test_rows_that_stay_since_a_text_is_too_long_are_counted_apart():
    def views_of_texts(texts, rows, draws):
        """None of the first ten, each tenth as it is."""
        return [
            None if row < 10 else text if row % 10 == 0 else f"{text}!" for text, row in zip(texts, rows, strict=True)
        ]

    def both(texts, rows, draws):
        """Of pairs the second text changes now and then."""
        return [f"{text}!" if draws.column and row < 5 else None for text, row in zip(texts, rows, strict=True)]

    rows = in_one_piece(TrainRows(table(), SimpleNamespace(text="a", text_pair=None), seed=0, place=str))
    made = make_views(rows, np.arange(30), {"x": texts.OfStrings(views_of_texts)}, 0, 0)
    assert (made.num_unchanged, made.num_too_long) == (12, 10)
    assert made.table["a"][:11] == table()["a"][:11]
    pairs = replace(rows, columns=SimpleNamespace(text="a", text_pair="b"))
    made = make_views(pairs, np.arange(30), {"x": texts.OfStrings(both)}, 0, 0)
    assert (made.num_unchanged, made.num_too_long) == (25, 25)
    assert facts_of([made])["too_long"] == 25


def test_views_are_counted():
    made = [views(Augment(random_swap={"share": 0.0})), views(BOTH)]
    facts = facts_of(made)
    assert (facts["views"], facts["unchanged"]) == (60, 30)
    assert facts["by"] == {
        "random_swap": 30 + made[1].by.count("random_swap"),
        "random_delete": made[1].by.count("random_delete"),
    }
