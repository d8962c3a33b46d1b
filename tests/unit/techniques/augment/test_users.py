"""Augmenters of the user's own: functions, and nlpaug's."""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from hf_efficient.errors import DataError, PlanError
from hf_efficient.recipe.augment import Augment
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.texts import views_of

MODULE = """
def shout(texts, seeds):
    return [f"{text.upper()} {seed % 10}" for text, seed in zip(texts, seeds)]
def too_few(texts, seeds):
    return texts[1:]
def numbers(texts, seeds):
    return seeds
def broken(texts, seeds):
    raise ValueError("no such luck\\nsecond line")
def swap():
    import nlpaug.augmenter.word as naw
    return naw.RandomWordAug(action="swap")
def nothing():
    return None
"""


@pytest.fixture(autouse=True)
def _module(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def views(texts, rows=None, **augmenters):
    made = make_augmenters(Augment(**augmenters).text_augmenters, str)
    numbers = np.arange(len(texts)) if rows is None else np.array(rows)
    return views_of(pa.array(texts), list(made.values()), numbers, Draws(0, 0, 0)).column.to_pylist()


def test_a_function_is_given_a_seed_for_each_row():
    whole = views(["a", "b", "c"], function={"path": "mine:shout"})
    assert [view[0] for view in whole] == ["A", "B", "C"]
    assert views(["c"], rows=[2], function={"path": "mine:shout"}) == whole[2:]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("too_few", "augment.function.path: mine:too_few: expected 2 texts, .* found 1 values"),
        ("numbers", "found other values than texts"),
        ("broken", "mine:broken fails with ValueError: no such luck$"),
    ],
)
def test_a_function_that_gives_something_else_is_named(name, message):
    with pytest.raises(DataError, match=message):
        views(["a", "b"], function={"path": f"mine:{name}"})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere:f", "function.path: nowhere can't be imported .*; write package.module:function"),
        ("mine:shuot", "mine has no function shuot. Did you mean shout?"),
    ],
)
def test_a_function_that_is_not_there_is_named(path, message):
    with pytest.raises(PlanError, match=message):
        views(["a"], function={"path": path})


def test_an_augmenter_of_nlpaug_draws_for_each_row_apart():
    texts = [f"one two three four five six seven {number}" for number in range(10)]
    random.seed(5)
    expected = random.random()
    random.seed(5)
    whole = views(texts, nlpaug={"factory": "mine:swap"})
    assert random.random() == expected
    assert views(texts[6:], rows=range(6, 10), nlpaug={"factory": "mine:swap"}) == whole[6:]
    assert sum(view != text for view, text in zip(whole, texts, strict=True)) > 5


def test_nothing_and_lists_of_lists_are_understood(monkeypatch):
    answers = {"": [], "a": [["b"]], "c": "d", "e": "  "}
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(make=lambda: SimpleNamespace(augment=answers.__getitem__)))
    assert views(list(answers), nlpaug={"factory": "mine:make"}) == ["", "b", "d", "e"]


def test_a_factory_must_make_an_augmenter():
    with pytest.raises(
        PlanError, match=r"mine:nothing: expected it to give an object with augment.text., found NoneType"
    ):
        views(["a"], nlpaug={"factory": "mine:nothing"})
    with pytest.raises(PlanError, match="mine:broken fails with TypeError"):
        views(["a"], nlpaug={"factory": "mine:broken"})
