"""What is leant on in nlpaug, and what keeps more of it from being used; where a test fails, see docs/design.md."""

from __future__ import annotations

import inspect
import random

import nlpaug
import nlpaug.augmenter.word as naw
import numpy as np
from nlpaug.model.word_dict import Spelling

from hf_efficient.techniques.augment import typos


def test_its_lists_lie_where_they_are_read():
    assert nlpaug.__version__ == "1.1.11"
    lines = (typos.resources() / typos.SPELLING).read_text(encoding="utf-8").splitlines()
    assert "luck lock lucke luke like Lock lake look luch" in lines
    for language in ("de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk"):
        assert len(typos.read_keyboard(typos.resources() / typos.KEYBOARD.format(language=language))) > 20


def test_it_draws_from_the_global_random_numbers_of_python():
    augmenter = naw.RandomWordAug(action="swap")
    text = "one two three four five six seven"
    made = set()
    for seed in (1, 1, 2):
        random.seed(seed)
        made.add(augmenter.augment(text)[0])
    assert len(made) == 2
    random.seed(1)
    made = {(np.random.seed(1), augmenter.augment(text)[0])[1] for _ in range(10)}
    assert len(made) > 1


def test_it_gives_no_view_of_an_empty_text():
    assert naw.RandomWordAug().augment("") == []


def test_its_misspellings_pass_through_sets_whose_order_differs_between_processes():
    assert "list(set(self.dict[key]))" in inspect.getsource(Spelling.read)


def test_it_parts_words_at_apostrophes():
    (view,) = naw.RandomWordAug(action="swap", aug_min=1, aug_max=1).augment("it isn't")
    assert "isn't" not in view
