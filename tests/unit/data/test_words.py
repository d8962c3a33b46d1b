from __future__ import annotations

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hf_efficient.data.encode import Texts, cache_key, encode_texts
from hf_efficient.data.words import (
    WordRoles,
    WordRules,
    Words,
    align,
    read_tags,
    read_words,
    require_word_ids,
    resolve_word_columns,
    tag_ids,
)
from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.recipe import Columns
from tests.unit.data.tokenizer import tiny_tokenizer

PLACE = "a.yaml:2: {}".format
ROLES = WordRoles("tokens", ("tags",), None)


def table(words, tags=None, **columns):
    return Dataset.from_dict({"tokens": words, **({} if tags is None else {"tags": tags}), **columns})


def encode(tmp_path, sentences, tokenizer=None, *, max_length=8, truncation=True):
    return encode_texts(
        Words(sentences),
        tokenizer or tiny_tokenizer(),
        max_length=max_length,
        truncation=truncation,
        split="train",
        cache=tmp_path,
    )


def test_the_first_token_of_a_word_is_known(tmp_path):
    rows = encode(tmp_path, [["bad", "films", "a"], ["good"]]).dataset.to_dict()
    # [CLS] bad film ##s a [SEP]
    assert rows["input_ids"] == [[2, 5, 6, 8, 7, 3], [2, 4, 3]]
    assert rows["word_starts"] == [[1, 2, 4], [1]]
    assert rows["length"] == [6, 3]


def test_words_that_are_cut_or_have_no_token_start_nowhere(tmp_path):
    encoded = encode(tmp_path, [["good", "films", "a", "a"], ["good", "", "a"]], max_length=5)
    assert encoded.dataset["word_starts"][:] == [[1, 2, -1, -1], [1, -1, 2]]
    assert encoded.num_truncated == 1


def test_a_second_run_reads_words_from_the_cache(tmp_path, monkeypatch):
    first = encode(tmp_path, [["good", "films"]]).dataset
    monkeypatch.setattr("hf_efficient.data.encode._batches", lambda *_: iter(()))
    assert encode(tmp_path, [["good", "films"]]).dataset.to_dict() == first.to_dict()


def test_the_key_tells_where_words_end():
    tokenizer = tiny_tokenizer()
    rows = [
        Words([["good", "film"]]),
        Words([["good film"]]),
        Words([["good"], ["film"]]),
        Words([["good", "film", ""]]),
        Texts(['["good", "film"]']),
    ]
    assert len({cache_key(row, tokenizer, max_length=8, truncation=True) for row in rows}) == len(rows)


def test_a_byte_level_tokenizer_sees_the_spaces_between_words(tmp_path):
    vocabulary = {token: index for index, token in enumerate(["[PAD]", "Ġgood", "Ġ", "g", "o", "d", "Ġgo"])}
    merges = [("Ġ", "g"), ("Ġg", "o"), ("Ġgo", "o"), ("Ġgoo", "d")]
    vocabulary |= {"Ġg": 7, "Ġgoo": 8}
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", model_input_names=["input_ids"])
    rows = encode(tmp_path, [["good", "good"]], tokenizer).dataset
    assert rows["input_ids"][:] == [[1, 1]]


def test_labels_stand_on_first_tokens():
    assert align([1, 2, 4], np.array([7, 8, 9]), 6, -100) == [-100, 7, 8, -100, 9, -100]
    assert align([1, -1, 2], np.array([7, 8, 9]), 3, -100) == [-100, 7, 9]


@pytest.mark.parametrize(
    ("names", "columns", "roles"),
    [
        (["tokens", "tags"], {}, ("tokens", ("tags",), None)),
        (["words", "label"], {}, ("words", ("label",), None)),
        (["tokens"], {}, ("tokens", (), None)),
        (["w", "pos", "n"], {"tokens": "w", "label": "pos", "weight": "n"}, ("w", ("pos",), "n")),
    ],
)
def test_columns_are_named_or_told_by_their_names(names, columns, roles):
    rows = Dataset.from_dict({name: [["a"]] for name in names})
    assert resolve_word_columns(Columns(**columns), rows, PLACE) == WordRoles(*roles)


@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        (
            {"tokens": "toks"},
            RecipeError,
            r"^a.yaml:2: data.columns.tokens: there is no column toks, .* mean tokens\?$",
        ),
        ({"label": ("tags", "tokens")}, RecipeError, "expected one column with a list of labels, found tags, tokens;"),
        ({"weight": "tag"}, RecipeError, r"data.columns.weight: there is no column tag.*Did you mean tags\?"),
    ],
)
def test_columns_that_are_not_there_are_refused(columns, error, said):
    with pytest.raises(error, match=said):
        resolve_word_columns(Columns(**columns), table([["a"]], [["A"]]), PLACE)


def test_a_column_of_words_that_cannot_be_told():
    with pytest.raises(
        DataError, match=r"expected a column named tokens or words; there are text; name it in data\.col"
    ):
        resolve_word_columns(Columns(), Dataset.from_dict({"text": ["a b"]}), PLACE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([["a"], []], r"^train row 2: column tokens: expected a list of words, found \[\]; drop the row$"),
        ([["a"], None], r"^train row 2: .* found None; csv can't hold lists, jsonl and parquet can$"),
        ([["a", None]], r"^train row 1: .* found \['a', None\]"),
        (["a b"], r"^train row 1: .* found 'a b'; csv can't hold lists"),
        ([[1, 2]], r"^train row 1: .* found \[1, 2\]"),
    ],
)
def test_rows_that_are_no_words_are_refused(words, said):
    with pytest.raises(DataError, match=said):
        read_words(table(words), "tokens", "train")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (
            [["A"], ["A"]],
            r"^train row 2: expected a label for each word, found 2 words in tokens and 1 labels in tags; m",
        ),
        ([["A"], None], r"^train row 2: column tags: expected a list of labels, found None$"),
        ([["A"], ["A", None]], r"^train row 2: column tags: expected a list of labels, found \['A', None\]$"),
        ([[0.5], [0.5, 0.5]], r"^train row 1: column tags: expected a list of labels, found \[0\.5\]$"),
    ],
)
def test_rows_without_a_label_for_each_word_are_refused(tags, said):
    with pytest.raises(DataError, match=said):
        read_tags(table([["a"], ["a", "b"]], tags), ROLES, [["a"], ["a", "b"]], "train")


def test_rows_without_a_column_of_labels_say_how_to_name_it():
    with pytest.raises(DataError, match=r"expected a column named label, labels, tags; there are tokens; name it in"):
        read_tags(table([["a"]]), WordRoles("tokens", (), None), [["a"]], "train")


def test_ids_have_the_names_that_the_data_set_gives_them():
    features = Features({"tokens": List(Value("string")), "tags": List(ClassLabel(names=["O", "B-X"]))})
    rows = Dataset.from_dict({"tokens": [["a", "b"]], "tags": [[1, 0]]}, features=features)
    assert read_tags(rows, ROLES, [["a", "b"]], "train") == [["B-X", "O"]]


def test_an_id_without_a_name_is_refused():
    features = Features({"tokens": List(Value("string")), "tags": List(ClassLabel(names=["O", "B-X"]))})
    rows = Dataset.from_dict({"tokens": [["a"]], "tags": [[-1]]}, features=features)
    with pytest.raises(DataError, match=r"train row 1: column tags: expected a class from 0 to 1, found -1"):
        read_tags(rows, ROLES, [["a"]], "train")


def test_numbers_are_names_of_classes():
    assert read_tags(table([["a", "b"]], [[3, 10]]), ROLES, [["a", "b"]], "train") == [["3", "10"]]


def test_ids_of_classes_by_name_and_by_number():
    assert [row.tolist() for row in tag_ids([["b", "a"], ["b"]], ("a", "b"), "train")] == [[1, 0], [1]]
    assert [row.tolist() for row in tag_ids([["1", "0"]], ("a", "b"), "train")] == [[1, 0]]


def test_a_label_that_training_has_not_seen_is_refused_with_its_row():
    said = r"^validation row 2: expected the classes of the training rows, a, b; found c; add training rows with it"
    with pytest.raises(DataError, match=said):
        tag_ids([["b", "a"], ["a", "c"]], ("a", "b"), "validation")


def test_only_scored_rows_need_labels():
    rows = table([["a"]], [None])
    rules = WordRules(ROLES)
    rules.check(rows, "test", scored=False)
    assert rules.strata(rows) is None
    with pytest.raises(DataError, match="test row 1: column tags: expected a list of labels, found None"):
        rules.check(rows, "test", scored=True)


def test_a_tokenizer_that_does_not_know_its_words_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(
        PlanError, match=r"the tokenizer Slow can't tell which word a token belongs to; name a fast one"
    ):
        require_word_ids(Slow())
