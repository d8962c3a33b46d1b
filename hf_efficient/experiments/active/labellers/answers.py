"""What people have answered, and what it says of the rows of a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_efficient.errors import did_you_mean

ID, LABEL, SKIP = "id", "label", "skip"
"""Columns of a row's number in the pool and of its label; what to write to set a row aside."""


@dataclass(frozen=True)
class Answer:
    """What a file says of one row."""

    place: str
    """File and line, for messages."""
    id: Any
    """The row's number in the pool, as written; None where there is none."""
    label: str
    """Empty where there is none yet."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What else stands beside it."""
    undone: bool = False
    """Whether it takes an earlier answer back."""
    cut: bool = False
    """Whether its label may be the beginning of another one, as the file ends there without a line break."""

    @property
    def has_id(self) -> bool:
        """Whether it says which row it is for."""
        return self.id not in (None, "")


@dataclass(frozen=True)
class Understood:
    """Answers of which each is a label, a row to skip, or a problem in words."""

    answers: dict[int, str | None] = field(default_factory=dict)
    """The label of each row that has an answer; None of one to skip."""
    problems: list[str] = field(default_factory=list)

    @property
    def labels(self) -> dict[int, str]:
        """Class of each row that was given one."""
        return {row: label for row, label in self.answers.items() if label is not None}


def understand(
    answers: Sequence[Answer],
    classes: Sequence[str],
    find: Callable[[Answer], int | None],
    is_text_of: Callable[[Answer, int], bool],
    known: int,
) -> Understood:
    """What answers say of the rows of a pool, whatever their order; the last one for a row counts.

    Args:
        answers: of the file.
        classes: what a label may be.
        find: the row of an answer that has no id.
        is_text_of: whether what stands beside an answer's id is that row's text, as far as any does.
        known: how many rows the pool has.
    """
    found = Understood()
    for answer in answers:
        if not (answer.label or answer.undone):
            continue
        row = _number(answer.id, known) if answer.has_id else find(answer)
        label = _class(answer.label, classes)
        if row is None or (answer.has_id and not is_text_of(answer, row)):
            found.problems.append(_of_no_row(answer, row, known))
        elif answer.cut:
            found.problems.append(
                f"{answer.place}: {answer.label} may be the beginning of another label; add a line break"
            )
        elif answer.undone:
            found.answers.pop(row, None)
        elif label is None and answer.label.casefold() != SKIP:
            expected, hint = f"{', '.join(classes)} or {SKIP}", did_you_mean(answer.label, classes)
            found.problems.append(f"{answer.place}: expected one of {expected}, found {answer.label}.{hint}")
        else:
            found.answers[row] = label
    return found


def _of_no_row(answer: Answer, row: int | None, known: int) -> str:
    if row is not None:
        return (
            f"{answer.place}: expected the text of the pool's row {row} beside its {ID}, found another; correct one of "
            f"them, or take the column {ID} out to go by the texts"
        )
    expected = f"a number below {known:,}" if answer.has_id else "one of the pool's texts"
    return f"{answer.place}: expected {expected} as {ID}, found {answer.id or 'another text'}"


def _number(written: Any, known: int) -> int | None:
    try:
        number = int(str(written).strip())
    except ValueError:
        return None
    return number if 0 <= number < known else None


def _class(written: str, classes: Sequence[str]) -> str | None:
    """The class that is meant, whatever the case; None if it is none."""
    if written in classes:
        return written
    alike = [name for name in classes if name.casefold() == written.casefold()]
    return alike[0] if len(alike) == 1 else None
