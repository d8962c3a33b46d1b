"""What the columns of a data set mean, told from their names and rows, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.data.columns import LABEL_NAMES, TEXT_NAMES, read_texts, string_columns
from hf_efficient.data.labels import label_name, read_labels
from hf_efficient.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datasets import Dataset

_PAIRS: Final = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("text", "text_pair"),
)
_LABELS: Final = (*LABEL_NAMES, "target", "class", "category", "sentiment", "stars", "rating", "score", "gold_label")
_MANY: Final = 20
"""Distinct integers beyond which they are amounts rather than classes."""


@dataclass(frozen=True)
class Guess:
    """The parts that the columns seem to play."""

    text: str
    text_pair: str | None
    label: str | tuple[str, ...]
    problem: str
    reasons: tuple[str, ...]
    """One sentence for each guess."""
    label_counts: tuple[tuple[str, int], ...]
    """Rows of each class, most frequent first; empty for a regression."""
    num_words: tuple[int, int]
    """Median and longest number of words of a text, both texts of a pair together."""


_OTHER_TASKS: Final = {
    ("tokens",): ("token-classification", "brown-pos"),
    ("messages",): ("text-generation", "brown-lm"),
    ("prompt", "completion"): ("text-generation", "brown-lm"),
    ("source", "target"): ("text2text-generation", "reverse-words"),
    ("document", "summary"): ("text2text-generation", "t5-small-billsum"),
    ("image",): ("image-classification", "digits"),
}
"""Columns that stand for another task than text classification, and a recipe to start from."""


def guess(table: Dataset) -> Guess:
    """The columns and the problem of a data set.

    Raises:
        DataError: no column can be the text, or none the label, or the columns are those of another task.
    """
    for columns, (task, recipe) in _OTHER_TASKS.items():
        if set(columns) <= set(table.column_names):
            raise DataError(
                f"found {' and '.join(columns)}, columns of {task}, and init writes text classification only; start "
                f"from configs/{recipe}.yaml"
            )
    label, label_reason = _guess_label(table)
    columns = (label,) if isinstance(label, str) else label
    text, text_pair, text_reason = _guess_text(table, columns)
    labels = read_labels(table, columns, "train")
    problem, problem_reason = _guess_problem(labels)
    names = [label_name(v) for row in labels for v in (row if isinstance(row, list) else [row])]
    counts = () if problem == "regression" else tuple(Counter(names).most_common())
    reasons = (text_reason, label_reason, problem_reason)
    return Guess(text, text_pair, label, problem, reasons, counts, _num_words(table, text, text_pair))


def _guess_label(table: Dataset) -> tuple[str | tuple[str, ...], str]:
    by_lower_case = {name.lower(): name for name in table.column_names}
    for usual in _LABELS:
        if usual in by_lower_case:
            name = by_lower_case[usual]
            return name, f"label: {name}, by its name"
    indicators = tuple(name for name in table.column_names if _is_indicator(table, name))
    if len(indicators) > 1:
        return indicators, f"labels: {', '.join(indicators)}, which hold only 0 and 1"
    repeating = {name: distinct for name in table.column_names if (distinct := _num_distinct(table, name))}
    if repeating:
        name = min(repeating, key=lambda column: repeating[column])
        return name, f"label: {name}, the column with the fewest values, {repeating[name]}"
    raise DataError(
        f"expected a column of labels, found {', '.join(table.column_names)}: none is named {', '.join(_LABELS)}, and "
        "none has few values; rename one to label"
    )


def _is_indicator(table: Dataset, column: str) -> bool:
    values = table[column][:]
    return all(type(value) in (int, bool) and value in (0, 1) for value in values)


def _num_distinct(table: Dataset, column: str) -> int:
    """Number of values of a column that could be classes, each in two rows on average; 0 if they could not."""
    values = table[column][:]
    if not all(isinstance(value, (str, int)) for value in values):
        return 0
    distinct = len(set(values))
    return distinct if 1 < distinct <= len(values) // 2 else 0


def _guess_text(table: Dataset, label: Sequence[str]) -> tuple[str, str | None, str]:
    strings = [name for name in string_columns(table) if name not in label]
    for first, second in _PAIRS:
        if first in strings and second in strings:
            return first, second, f"text: the pair {first} and {second}, by their names"
    for name in TEXT_NAMES:
        if name in strings:
            return name, None, f"text: {name}, by its name"
    if not strings:
        raise DataError(f"expected a column of texts, found {', '.join(table.column_names)}")
    longest = max(strings, key=lambda name: sum(len(value or "") for value in table[name][:]))
    only = "the only column of strings" if len(strings) == 1 else "the column with the longest texts"
    return longest, None, f"text: {longest}, {only}"


def _guess_problem(labels: Sequence[Any]) -> tuple[str, str]:
    if isinstance(labels[0], list):
        return "multi_label", "problem: multi_label, since a row can have several labels"
    distinct = len(set(labels))
    if isinstance(labels[0], float):
        return "regression", "problem: regression, since the labels are fractions"
    if type(labels[0]) is int and distinct > _MANY:
        return "regression", f"problem: regression, since the labels are {distinct} different numbers"
    return "single_label", f"problem: single_label, one of {distinct} classes a row"


def _num_words(table: Dataset, *columns: str | None) -> tuple[int, int]:
    texts = [read_texts(table, name, "train") for name in columns if name is not None]
    counts = sorted(sum(len(text.split()) for text in row) for row in zip(*texts, strict=True))
    return counts[len(counts) // 2], counts[-1]
