from __future__ import annotations

import pytest

from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.kept import Kept


class Numbered:
    """Puts the last two digits of its seed behind each text, and remembers what came together."""

    rows_of_pass = 2

    def __init__(self, key: str = "k", *, draws: bool = True) -> None:
        self.key = key
        self.draws = draws
        self.passes: list[list[str]] = []

    def views(self, texts, seeds):
        self.passes.append(list(texts))
        return [f"{text} {seed % 100}" for text, seed in zip(texts, seeds, strict=True)]


class Short(Numbered):
    """Reads two letters at most, and makes nothing of white space."""

    def views(self, texts, seeds):
        views = super().views(texts, seeds)
        return [view if len(text) < 3 and text.strip() else "" for text, view in zip(texts, views, strict=True)]


def kept(numbered: Numbered) -> Kept:
    return Kept("numbered", numbered.draws, lambda: numbered.key, lambda: numbered)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path))


TEXTS = ["aaa", "b", "cccc", "dd", "b"]
ROWS = [0, 1, 2, 3, 4]


def test_views_are_made_once_for_each_text_and_draw():
    first, again, fresh = Numbered(), Numbered(), Numbered()
    views = kept(first)(TEXTS, ROWS, Draws(0, 0, 0))
    assert [view.split()[0] for view in views] == TEXTS
    assert kept(again)(TEXTS[::-1], ROWS[::-1], Draws(0, 0, 0)) == views[::-1]
    assert again.passes == []
    assert kept(fresh)(TEXTS, ROWS, Draws(0, 1, 0)) != views
    assert sum(map(len, fresh.passes)) == 5


def test_texts_of_about_the_same_length_come_together():
    numbered = Numbered()
    kept(numbered)(TEXTS, ROWS, Draws(0, 0, 0))
    assert numbered.passes == [["cccc", "aaa"], ["dd", "b"], ["b"]]


def test_where_nothing_is_left_to_chance_equal_texts_have_one_view():
    numbered = Numbered(draws=False)
    views = kept(numbered)(TEXTS, ROWS, Draws(0, 0, 0))
    assert views == kept(numbered)(TEXTS, ROWS, Draws(7, 3, 1))
    assert views[1] == views[4]
    assert numbered.passes == [["cccc", "aaa"], ["dd", "b"]]


def test_no_model_is_loaded_where_no_view_is_missing():
    kept(Numbered())(TEXTS, ROWS, Draws(0, 0, 0))
    lazy = Kept("numbered", True, lambda: "k", lambda: pytest.fail("it was loaded"))
    assert lazy(TEXTS, ROWS, Draws(0, 0, 0)) == kept(Numbered())(TEXTS, ROWS, Draws(0, 0, 0))


def test_views_that_are_not_there_are_their_texts_where_none_are_made():
    made = kept(Numbered())(TEXTS[:2], ROWS[:2], Draws(0, 0, 0))
    looks = Kept("numbered", True, lambda: "k", lambda: pytest.fail("it was loaded"), makes=False)
    assert looks(TEXTS, ROWS, Draws(0, 0, 0)) == [*made, *TEXTS[2:]]


def test_views_that_others_have_made_are_told_with_their_cost():
    first, second = kept(Numbered(draws=False)), kept(Numbered(draws=False))
    first(TEXTS[:2], ROWS[:2], Draws(0, 0, 0))
    second(TEXTS, ROWS, Draws(0, 0, 0))
    assert first.found == []
    assert len(second.found) == 2


def test_a_text_that_is_too_long_has_no_view_now_and_later():
    views = kept(Short())(["aa", "aaa", " "], [0, 1, 2], Draws(0, 0, 0))
    assert views[1:] == [None, " "]
    assert views[0].startswith("aa ")
    lazy = Kept("numbered", True, lambda: "k", lambda: pytest.fail("it was loaded"))
    assert lazy(["aa", "aaa", " "], [0, 1, 2], Draws(0, 0, 0)) == views


def test_another_key_has_views_of_its_own():
    first, second = Numbered("one", draws=False), Numbered("two", draws=False)
    for numbered in (first, second):
        kept(numbered)(TEXTS, ROWS, Draws(0, 0, 0))
    assert second.passes == first.passes
