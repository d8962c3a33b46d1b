from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from hf_efficient.errors import PlanError
from hf_efficient.recipe.augment_models import Contextual
from hf_efficient.techniques.augment.contextual import Contextualizer, Masked, _as_written, masked
from tests.tiny_writers import save_masked_lm, save_roberta, save_seq2seq

TEXT = "Stir the soup, and add 2 pinches of salt!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_masked_lm(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def augmenter(folder):
    return Contextualizer.of(Contextual(model=folder, share=0.4, top_k=3), "cpu", str)


def test_words_are_put_in_the_place_of_words():
    row = Masked("A  cat, 1 dog.", ((3, 6), (10, 13)), (0.1, 0.2))
    assert row.words == ["cat", "dog"]
    assert row.shown("[MASK]") == "A  [MASK], 1 [MASK]."
    assert row.filled(["horse", "x"]) == "A  horse, 1 x."


@pytest.mark.parametrize(("share", "number"), [(0.1, 1), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_a_share_of_the_words_is_masked(share, number):
    row = masked(TEXT, share, seed=3)
    assert len(row.spans) == len(row.uniform) == number
    assert list(row.spans) == sorted(row.spans)
    assert all(word.isalpha() for word in row.words)


def test_each_word_is_masked_now_and_then():
    found = {word for seed in range(60) for word in masked(TEXT, 0.1, seed).words}
    assert found == {"Stir", "the", "soup", "and", "add", "pinches", "of", "salt"}


def test_what_can_be_masked_nowhere_stays_and_what_is_too_long_has_no_view(augmenter):
    assert masked("1 2 …", 0.5, 0).spans == ()
    long = " ".join(["word"] * 80)  # the model takes 64 tokens
    assert augmenter.views(["1 2 …", "", long], [0, 1, 2]) == ["1 2 …", "", ""]


def test_a_text_that_holds_a_mask_stays(augmenter):
    texts = ["Stir the [MASK] soup.", TEXT, "[MASK]"]
    views = augmenter.views(texts, [0, 1, 2])
    assert [view == text for view, text in zip(views, texts, strict=True)] == [True, False, True]


def test_positions_that_stand_after_the_pad_token_s_are_no_room(tmp_path):
    augmenter = Contextualizer.of(Contextual(model=save_roberta(tmp_path / "roberta", 12), share=0.2), "cpu", str)
    readable, long = " ".join(["sail"] * 9), " ".join(["sail"] * 10)  # two more tokens begin and end a text
    views = augmenter.views([readable, long], [0, 1])
    assert views[0] not in (readable, "")
    assert views[1] == ""


def test_a_view_differs_in_the_masked_words_alone(augmenter):
    for seed in range(20):
        row = masked(TEXT, 0.4, seed)
        (view,) = augmenter.views([TEXT], [seed])
        words = iter(view.split())
        assert view.count(" ") == TEXT.count(" ")
        changed = [(old, new) for old, new in zip(TEXT.split(), words, strict=True) if old != new]
        assert [old.strip(",!") for old, _ in changed] == row.words
        assert all(old.strip(",!").casefold() != new.strip(",!").casefold() for old, new in changed)
        assert all(old[-1].isalpha() or old[-1] == new[-1] for old, new in changed)


def test_a_view_depends_on_its_seed_alone(augmenter):
    texts, seeds = [TEXT, "Hoist the sail.", TEXT], [5, 6, 7]
    together = augmenter.views(texts, seeds)
    assert together == [augmenter.views([text], [seed])[0] for text, seed in zip(texts, seeds, strict=True)]
    assert together[0] != together[2]


def test_words_are_drawn_from_the_likeliest(folder):
    augmenter = Contextualizer.of(Contextual(model=folder, share=0.1, top_k=3), "cpu", str)
    ids = torch.tensor([augmenter.loaded.tokenizer("Hoist the [MASK] .")["input_ids"]])
    logits = augmenter.loaded.model(input_ids=ids).logits[ids == augmenter.loaded.tokenizer.mask_token_id][0]
    words = {token: number for token, number in augmenter.loaded.tokenizer.get_vocab().items() if token.isalpha()}
    likeliest = sorted((word for word in words if word != "sail"), key=lambda word: -logits[words[word]])[:3]
    views = [augmenter.views(["Hoist the sail ."], [seed])[0] for seed in range(80)]
    drawn = {view.split()[2] for view in views if view.startswith("Hoist the ")}
    assert drawn - {"sail"} == set(likeliest)


class Vocabulary(dict):
    def get_vocab(self):
        return self


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["[MASK]", "cat", "##s", "7", "c-d", "été"], ["", "cat", "", "", "", "été"]),
        (["<mask>", "Ġcat", "s", "Ġ7", "Ġ", "ĠDog"], ["", "cat", "", "", "", "Dog"]),
        (["<mask>", "▁cat", "s", "▁"], ["", "cat", "", ""]),
    ],
)
def test_whole_words_of_a_vocabulary_can_be_filled_in(tokens, words):
    model = SimpleNamespace(config=SimpleNamespace(vocab_size=len(tokens)))
    vocabulary = Vocabulary({token: number for number, token in enumerate(tokens)})
    augmenter = Contextualizer(SimpleNamespace(tokenizer=vocabulary, model=model), 0.1, 1)
    assert augmenter._words == words


@pytest.mark.parametrize(
    ("word", "like", "written"),
    [("cat", "Dog", "Cat"), ("cat", "DOG", "CAT"), ("cat", "dog", "cat"), ("iPod", "Dog", "IPod"), ("cat", "I", "Cat")],
)
def test_capitals_stay(word, like, written):
    assert _as_written(word, like) == written


def test_another_model_is_refused(tmp_path, folder):
    with pytest.raises(PlanError, match=r"model: .*t5 can't be loaded"):
        Contextualizer.of(Contextual(model=save_seq2seq(tmp_path / "t5")), "cpu", str)
    with pytest.raises(PlanError, match="model: demo/tiny-bert "):
        Contextualizer.of(Contextual(model="demo/tiny-bert"), "cpu", str)
