from __future__ import annotations

import numpy as np
import pytest

from hf_efficient.techniques.augment.tagger import Tagger

TAGS = ["DT", "NN", "VB"]
WORDS = ["the", "Run", "runs", "film", "co-star", "1999", "42nd", "n't", "-dash", "x"]


def of(weights: dict[str, dict[str, float]], unambiguous: dict[str, str] | None = None) -> Tagger:
    return Tagger.of(weights, unambiguous or {}, TAGS)


@pytest.mark.parametrize(
    ("feature", "places"),
    [
        ("bias", [0, 1, 2, 3]),
        ("i suffix ilm", [1]),
        ("i pref1 R", [2]),
        ("i word run", [2]),
        ("i-1 word -START2-", [0]),
        ("i-2 word -START-", [0]),
        ("i-1 suffix ilm", [2]),
        ("i+1 word film", [0]),
        ("i+2 word run", [0]),
        ("i+1 word -END-", [3]),
        ("i+2 word -END2-", [3]),
        ("i+2 word -END-", [2]),
        ("i+1 suffix EAR", [2]),
        ("i word !YEAR", [3]),
        ("i-1 tag -START-", [0]),
        ("i-2 tag -START2-", [0]),
        ("i tag+i-2 tag -START- -START2-", [0]),
        ("i tag+i-2 tag VB -START-", [1]),
        ("i-1 tag+i word VB film", [1]),
    ],
)
def test_a_feature_counts_where_it_holds(feature, places):
    """Without it all are verbs, the last tag of the alphabet."""
    tags = of({feature: {"NN": 0.001}}).tag([["the", "film", "Run", "1999"]])[0]
    assert [place for place, tag in enumerate(tags) if tag == "NN"] == places


def test_the_tag_before_is_the_one_that_was_given():
    tagger = of({"i word the": {"DT": 1.0}, "i-1 tag DT": {"NN": 1.0}, "i-2 tag DT": {"NN": 1.0}})
    assert tagger.tag([["x", "the", "x", "x", "x"]]) == [["VB", "DT", "NN", "NN", "VB"]]


def test_unambiguous_words_have_their_tag():
    assert of({"bias": {"NN": 5.0}}, {"the": "DT"}).tag([["the", "The"]]) == [["DT", "NN"]]


def test_hyphens_and_digits_are_read_as_such():
    weights = {f"i word {word}": {"NN": 1.0} for word in ("!HYPHEN", "!DIGITS", "-dash")}
    assert of(weights).tag([["co-star", "42nd", "-dash", "42-nd", "dash"]]) == [["NN", "NN", "NN", "NN", "VB"]]


def test_a_text_has_the_same_tags_in_any_company():
    draw = np.random.default_rng(0)
    names = ["i word {}", "i-1 word {}", "i+2 word {}", "i-1 tag+i word NN {}", "i-1 tag+i word VB {}"]
    weights = {
        name.format(word.lower()): dict(zip(TAGS, draw.integers(-9, 9, 3) / 1000, strict=True))
        for name in names
        for word in WORDS
    }
    tagger = of(weights)
    texts = [draw.choice(WORDS, size).tolist() for size in (3, 0, 7, 1, 7)]
    together = tagger.tag(texts)
    assert [len(tags) for tags in together] == [3, 0, 7, 1, 7]
    assert together == [tagger.tag([text])[0] for text in texts]
    assert len({tag for tags in together for tag in tags}) == 3


def test_no_words_have_no_tags():
    assert of({}).tag([[], []]) == [[], []]
    assert of({}).tag([]) == []
