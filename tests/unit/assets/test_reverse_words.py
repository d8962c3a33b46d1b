from __future__ import annotations

import csv

from transformers import AutoTokenizer

from hf_efficient.assets import resolve


def pairs(split):
    with (resolve("demo/reverse-words") / f"{split}.csv").open(newline="") as file:
        return [(row["text"], row["target"]) for row in csv.DictReader(file)]


def test_targets_are_the_words_backwards_and_no_word_is_in_both_splits():
    train, validation = pairs("train"), pairs("validation")
    assert (len(train), len(validation)) == (6000, 500)
    assert all(target == text[::-1] for text, target in train + validation)
    words = [text for text, _ in train + validation]
    assert len(set(words)) == len(words)
    assert {len(word) for word in words} == set(range(3, 11))


def test_the_tokenizer_spells_every_word():
    tokenizer = AutoTokenizer.from_pretrained(resolve("demo/tiny-t5"))
    words = [text for text, _ in pairs("validation")]
    ids = tokenizer(words)["input_ids"]
    assert ids[0] == [3 + ord(letter) - ord("a") for letter in words[0]] + [tokenizer.eos_token_id]
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == words
