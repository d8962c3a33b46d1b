"""Views of texts against texts made by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from hf_efficient.errors import AssetError, DataError
from hf_efficient.recipe.augment import Augment
from hf_efficient.techniques.augment.articles import has_vowel
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.draws import Draws
from tests.tiny_lexicon import write_lexicon, write_tagger

LONG = "the quick brown fox jumps over a lazy dog by the river"


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    return {"lexicon": write_lexicon(folder / "wordnet"), "tagger": write_tagger(folder / "tagger")}


def views(texts, epoch=0, rows=None, **augmenter):
    """A view of each text by one augmenter."""
    (made,) = make_augmenters(Augment(**augmenter).text_augmenters, str).values()
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    numbers = np.arange(len(texts)) if rows is None else np.array(rows)
    return made(column, numbers, Draws(0, epoch, 0)).to_pylist()


def test_swapped_words_are_the_same_words():
    (view,) = views([LONG], random_swap={"share": 0.1})
    assert sorted(view.split()) == sorted(LONG.split())
    assert sum(a != b for a, b in zip(view.split(), LONG.split(), strict=True)) == 2
    assert views(["two words", "one", ""], random_swap={}) == ["words two", "one", ""]


def test_deleted_words_leave_the_others_in_their_order():
    (view,) = views([LONG], random_delete={"share": 0.25})
    rest = iter(LONG.split())
    assert len(view.split()) == 9
    assert all(word in rest for word in view.split())


def test_a_word_is_left_of_each_text():
    assert views(["one", ""], random_delete={"share": 1.0}) == ["one", ""]
    assert views(["two words"], random_delete={"share": 1.0})[0] in ("two", "words")


@pytest.mark.parametrize("name", ["random_swap", "random_delete", "spelling", "keyboard"])
def test_a_share_of_0_changes_nothing(name):
    assert views([LONG, "one", ""], **{name: {"share": 0.0}}) == [LONG, "one", ""]


def test_a_synonym_has_the_form_and_the_punctuation_of_its_word(lexicon):
    found = Counter(views(['"Movies," he provides.'] * 3000, synonym={**lexicon, "share": 0.3}))
    films = sum(count for text, count in found.items() if text.startswith('"Films,"'))
    pictures = sum(count for text, count in found.items() if text.startswith('"Motion pictures,"'))
    # One of two words is chosen: `Movies` in half of the views, of which 75 in 100 are `Films`.
    assert films == pytest.approx(1125, abs=110)
    assert pictures == pytest.approx(375, abs=75)
    assert {text.partition("he ")[2] for text in found} == {"provides.", "supplies.", "gives up.", "furnishes."}


def test_the_past_of_an_irregular_verb_is_not_guessed(lexicon):
    found = set(views(["provided"] * 200, synonym={**lexicon, "share": 1.0}))
    assert found == {"supplied", "furnished"}  # gave up, or given up


def test_articles_agree_with_synonyms(lexicon):
    assert views(["A story, a zebra"], synonym={**lexicon, "share": 1.0}) == ["An account, a zebra"]


@pytest.mark.parametrize(
    ("word", "expected"), [("hour", True), ('"apple', True), ("unit", False), ("uninspired", True)]
)
def test_how_words_begin(word, expected):
    assert has_vowel(word) is expected


def test_names_words_of_grammar_and_other_parts_of_speech_stay(lexicon):
    assert views(["the Paris unknown"], synonym={**lexicon, "share": 1.0}) == ["the Paris unknown"]
    assert set(views(["good"] * 50, synonym={**lexicon, "share": 1.0})) == {"full", "respectable"}  # no noun


def test_synonyms_come_in_anywhere(lexicon):
    found = Counter(views(["x quickly y"] * 400, random_insert={"lexicon": lexicon["lexicon"]}))
    expected = {"rapidly x quickly y", "x rapidly quickly y", "x quickly rapidly y", "x quickly y rapidly"}
    assert set(found) == expected
    assert min(found.values()) > 60
    assert views(["the", ""], random_insert={"lexicon": lexicon["lexicon"]}) == ["the", ""]


@pytest.mark.parametrize("name", ["synonym", "spelling", "keyboard"])
def test_addresses_names_of_users_and_hashtags_stay(name, lexicon):
    text = "https://example.org/movies @movies #because a@movies.org"
    assert views([text], **{name: {**(lexicon if name == "synonym" else {}), "share": 1.0}}) == [text]


def test_sentences_change_places():
    text = 'It was good. Was it? "Yes!" Mr. Smith said so.'
    found = set(views([text] * 300, sentence_reorder={}))
    assert len(found) == 24  # of four sentences
    assert 'Mr. Smith said so. "Yes!" Was it? It was good.' in found
    assert views(["Only one here, e.g. this", ""], sentence_reorder={}) == ["Only one here, e.g. this", ""]


def test_words_are_misspelt_as_nlpaug_lists_them():
    found = set(views(["Because,"] * 200, spelling={}))
    assert "Becouse," in found
    assert "Because," not in found
    assert all(view.endswith(",") and view[0] != "b" for view in found)


def test_a_finger_slips_to_a_key_beside_the_letters():
    found = set(views(["Qaaaa"] * 200, keyboard={}))
    assert {view[0] for view in found} == {"Q", "A", "S", "W"}
    assert all(sum(a != b for a, b in zip(view, "Qaaaa", strict=True)) == 1 for view in found)
    assert views(["cat"], keyboard={}) == ["cat"]


@pytest.mark.parametrize("name", ["synonym", "spelling", "keyboard"])
def test_lists_of_words_stay_lists_of_as_many_words(name, lexicon):
    rows = pa.array([["movies", "because", "good"], ["because"]])
    section = {**(lexicon if name == "synonym" else {}), "share": 1.0}
    found = views(rows, **{name: section})
    assert [len(row) for row in found] == [3, 1]
    assert found != rows.to_pylist()


@pytest.mark.parametrize("name", ["random_swap", "random_delete", "keyboard", "spelling", "sentence_reorder"])
def test_a_view_depends_on_its_row_and_epoch_alone(name):
    texts = [f"{LONG} number {row}. Because, movies! Really?" for row in range(20)]
    whole = views(texts, **{name: {}})
    assert views(texts[7:9], rows=[7, 8], **{name: {}}) == whole[7:9]
    assert views(texts, epoch=1, **{name: {}}) != whole


def test_a_lexicon_that_is_not_there_is_named_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path))
    with pytest.raises(
        AssetError, match=r"synonym.lexicon is demo/wordnet, which is not on.*assets fetch demo/wordnet`"
    ):
        views(["x"], synonym={})
    with pytest.raises(AssetError, match=r"random_insert.lexicon: expected an asset or a directory, found none/here"):
        views(["x"], random_insert={"lexicon": "none/here"})


def test_a_lexicon_that_can_not_be_read_is_named(tmp_path, lexicon):
    with pytest.raises(AssetError, match=r"synonym.tagger: expected .* to hold NLTK's JSON files, .* found .Errno 2"):
        views(["x"], synonym={**lexicon, "tagger": str(tmp_path)})
    with pytest.raises(AssetError, match=r"synonym.lexicon: expected .* to hold synonyms.tsv and irregular.tsv"):
        views(["x"], synonym={**lexicon, "lexicon": str(tmp_path)})


@pytest.mark.parametrize("text", ["film\tn\tmovie 9\nfilm\tn", "x\tn\ty 9\nfilm\tn\tmovie", "x\tn\ty 9\nx\tx\ty 9"])
def test_a_line_that_is_not_of_a_lexicon_is_named(text, tmp_path):
    (tmp_path / "synonyms.tsv").write_text(text)
    (tmp_path / "irregular.tsv").write_text("")
    with pytest.raises(DataError, match=r"synonyms.tsv:2: expected a word, its part of speech and what it stands for"):
        views(["x"], random_insert={"lexicon": str(tmp_path)})


@pytest.mark.parametrize(("name", "content"), [("weights", "[1"), ("tagdict", '{"a": "X"}'), ("weights", "3")])
def test_files_that_are_no_tagger_are_named(name, content, lexicon, tmp_path):
    folder = write_tagger(tmp_path / "tagger")
    (tmp_path / "tagger" / f"averaged_perceptron_tagger_eng.{name}.json").write_text(content)
    with pytest.raises(AssetError, match=r"synonym.tagger: expected .* to hold NLTK's JSON files"):
        views(["x"], synonym={**lexicon, "tagger": folder})
