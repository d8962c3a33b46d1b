"""Sentences that come as lists of words, and where the tokens of each word begin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hf_efficient.data.columns import missing_column, refuse_missing
from hf_efficient.data.encode import Texts
from hf_efficient.data.labels import class_label_names, class_name, is_labelled, known_ids, label_name
from hf_efficient.errors import DataError, PlanError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from hf_efficient.recipe.data import Columns

Place = Callable[[str], str]

WORD_NAMES: Final = ("tokens", "words")
TAG_NAMES: Final = ("label", "labels", "tags")


@dataclass(frozen=True)
class WordRoles:
    """The columns of a data set of words, by the part that they play."""

    tokens: str
    label: tuple[str, ...]
    """One column; empty where the rows have no labels."""
    weight: str | None


def resolve_word_columns(columns: Columns, table: Dataset, place: Place) -> WordRoles:
    """The columns that the recipe names, or that the names of the table's columns tell.

    Raises:
        RecipeError: a named column does not exist, or there are several of labels.
        DataError: the column of words can't be told.
    """
    label = (columns.label,) if isinstance(columns.label, str) else columns.label or _usual(TAG_NAMES, table)
    if len(label) > 1:
        found = f"found {', '.join(label)}; name the one to learn"
        raise RecipeError(f"{place('data.columns.label')}: expected one column with a list of labels, {found}")
    refuse_missing({"tokens": columns.tokens, "weight": columns.weight}, label, table, place)
    tokens = (columns.tokens,) if columns.tokens is not None else _usual(WORD_NAMES, table)
    if not tokens:
        raise DataError(
            f"{place('data.columns.tokens')}: expected a column named {' or '.join(WORD_NAMES)}; there are "
            f"{', '.join(table.column_names)}; name it in data.columns.tokens"
        )
    return WordRoles(tokens[0], label, columns.weight)


def _usual(names: Iterable[str], table: Dataset) -> tuple[str, ...]:
    return next(((name,) for name in names if name in table.column_names), ())


@dataclass(frozen=True)
class WordRules:
    """Rows of words, with a label for each."""

    roles: WordRoles

    @classmethod
    def of(cls, columns: Columns, table: Dataset, place: Place) -> WordRules:
        """The rules for tables like this one."""
        return cls(resolve_word_columns(columns, table, place))

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Sentences have words, and as many labels where rows are scored."""
        sentences = read_words(table, self.roles.tokens, split)
        if scored or is_labelled(table, self.roles.label):
            read_tags(table, self.roles, sentences, split)

    def strata(self, table: Dataset) -> None:
        """None: no sentence stands for one class."""


def read_words(table: Dataset, column: str, split: str) -> list[list[str]]:
    """The words of each row.

    Raises:
        DataError: the column does not exist, or a row holds something else than a list of at least one word.
    """
    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    rows: list[Any] = table[column][:]
    for number, words in enumerate(rows, start=1):
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            remedy = "drop the row" if words == [] else "csv can't hold lists, jsonl and parquet can"
            raise DataError(
                f"{split} row {number}: column {column}: expected a list of words, found {_shortened(words)}; {remedy}"
            )
    return rows


def read_tags(table: Dataset, roles: WordRoles, sentences: Sequence[Sequence[str]], split: str) -> list[list[str]]:
    """The name of the label of each word.

    Raises:
        DataError: there is no such column, or a row has not one label for each word.
    """
    if not roles.label:
        raise DataError(
            f"{split}: expected a column named {', '.join(TAG_NAMES)}; there are {', '.join(table.column_names)}; "
            "name it in data.columns.label"
        )
    [column] = roles.label
    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    classes, named = class_label_names(table, column), []
    for number, (words, tags) in enumerate(zip(sentences, table[column][:], strict=True), start=1):
        row = f"{split} row {number}"
        if not isinstance(tags, list) or not all(isinstance(tag, (str, int)) for tag in tags):
            raise DataError(f"{row}: column {column}: expected a list of labels, found {_shortened(tags)}")
        if len(tags) != len(words):
            raise DataError(
                f"{row}: expected a label for each word, found {len(words)} words in {roles.tokens} and {len(tags)} "
                f"labels in {column}; mend or drop the row"
            )
        if classes is None:
            named.append([label_name(tag) for tag in tags])
        else:
            named.append([class_name(classes, tag, number, column, split) for tag in tags])
    return named


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def tag_ids(tags: Sequence[Sequence[str]], classes: Sequence[str], split: str) -> list[NDArray[np.int64]]:
    """The id of the class of each word, an array a row.

    Raises:
        DataError: the first row with a label that is no class of the training rows.
    """
    ids = known_ids({tag for row in tags for tag in row}, classes)
    for number, row in enumerate(tags, start=1):
        if (unseen := next((tag for tag in row if tag not in ids), None)) is not None:
            raise DataError(
                f"{split} row {number}: expected the classes of the training rows, {', '.join(classes)}; found "
                f"{unseen}; add training rows with it or drop the row"
            )
    return [np.asarray([ids[tag] for tag in row], dtype=np.int64) for row in tags]


STARTS: Final = "word_starts"
"""Column of encoded rows: for each word the position of its first token, or -1 where it has none or was cut."""


@dataclass(frozen=True)
class Words(Texts):
    """The words of a split, a list a row."""

    first: Sequence[Sequence[str]]  # type: ignore[assignment]

    def strings(self) -> Iterable[str]:
        """The words of each row as one text that no other words give."""
        return map(json.dumps, self.first)

    def kind(self, tokenizer: PreTrainedTokenizerBase) -> list[Any]:
        """What sets them apart from texts that look the same."""
        return ["words"]

    def tokens(self, tokenizer: PreTrainedTokenizerBase, **limits: Any) -> Mapping[str, list[list[int]]]:
        """The tokenizer's columns, and `word_starts`."""
        # A byte-level tokenizer knows a word that begins a text from one that follows another by the space before it.
        space = " " if _is_byte_level(tokenizer) else ""
        sentences = [[space + word for word in words] for words in self.first]
        encoded = tokenizer(sentences, is_split_into_words=True, verbose=False, **limits)
        starts = [_starts(encoded.word_ids(row), len(words)) for row, words in enumerate(sentences)]
        return {**encoded, STARTS: starts}


def _is_byte_level(tokenizer: PreTrainedTokenizerBase) -> bool:
    state = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"] or {}
    parts = state.get("pretokenizers", [state])
    return any(part.get("type") == "ByteLevel" and not part.get("add_prefix_space") for part in parts)


def _starts(word_of_token: Sequence[int | None], num_words: int) -> list[int]:
    starts = [-1] * num_words
    for position in reversed(range(len(word_of_token))):
        if (word := word_of_token[position]) is not None:
            starts[word] = position
    return starts


def require_word_ids(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that can't say which word a token is of.

    Raises:
        PlanError: it is not one of the tokenizers library.
    """
    if not tokenizer.is_fast:
        raise PlanError(
            f"the tokenizer {type(tokenizer).__name__} can't tell which word a token belongs to; name a fast one in "
            "model.tokenizer"
        )


def align(starts: Sequence[int], ids: NDArray[np.int64], length: int, ignored: int) -> list[int]:
    """A label for each of `length` tokens: that of its word on the first token of a word, else `ignored`."""
    labels = np.full(length, ignored)
    positions = np.asarray(starts)
    labels[positions[positions >= 0]] = ids[positions >= 0]
    aligned: list[int] = labels.tolist()
    return aligned
