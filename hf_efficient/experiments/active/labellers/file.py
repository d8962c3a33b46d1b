"""A person labels by filling a file in, now or later."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import DataError
from hf_efficient.experiments.active.labellers.answers import LABEL, SKIP, Answer, Understood, understand
from hf_efficient.experiments.active.labellers.formats import SUFFIXES, read_answers, write_questions

if TYPE_CHECKING:
    from hf_efficient.experiments.active.loop import Query
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.experiments.active.state import ActiveDirectory, LabelLog

SECONDS_BETWEEN_LOOKS = 1.0
_LONG_ENOUGH: Final = 1_000
"""Characters of a text that tell whether it is the row's."""


@dataclass(frozen=True)
class FileLabeller:
    """Writes a round's rows into a file, once, and takes what was filled in; it never writes over answers.

    Until the last row of the round has an answer, those that were taken may be corrected in the file.
    """

    directory: ActiveDirectory
    format: str
    wait: bool = False
    """Look again and again until all rows have a label."""
    shown: Callable[[str], None] = lambda line: None

    def __call__(self, query: Query, log: LabelLog) -> None:
        """Take the labels that the round's file has; write the file if there is none.

        Raises:
            DataError: the file is broken, or has labels that are no class; the others are kept all the same.
        """
        path = self.directory.to_label(query.number, SUFFIXES[self.format])
        if not path.exists():
            rows = [{"id": row, **texts} for row, texts in zip(query.rows, query.pool.texts(query.rows), strict=True)]
            write_questions(path, rows)
            answers = ", ".join(log.classes)
            self.shown(f"{path} has the rows to label ({len(rows)}): write {answers} or {SKIP} as {LABEL}")
        if path.suffix == ".json":  # Label Studio's answers come from elsewhere
            return
        said: list[str] = []
        while problems := self._take(path, query, log):
            if not self.wait:
                raise DataError("\n".join(problems))
            if problems != said:
                self.shown("\n".join(problems))
            said = problems
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _take(self, path: Path, query: Query, log: LabelLog) -> list[str]:
        """Keep the labels that are there; gives what is wrong, or with `wait`, missing."""
        try:
            answers = read_answers(path, log.classes)
        except DataError as error:
            return [str(error)]
        found = understood(answers, query.pool)
        keep(found, log, query.chosen, path.name)
        missing = [row for row in query.rows if row not in log.settled]
        if self.wait and missing and not found.problems:
            return [f"waiting for {len(missing)} labels in {path}"]
        return found.problems


def keep(found: Understood, log: LabelLog, rows: Container[int], by: str) -> int:
    """Add what is new of these rows to the log, or correct what it says; gives how many labels that were."""
    mine = [row for row in found.answers if row in rows and (row not in log.settled or log.by[row] == by)]
    new = {row: found.labels[row] for row in mine if found.answers[row] not in (None, log.labels.get(row))}
    if new:
        log.give_all(new, by)
    for row in mine:
        if found.answers[row] is None and row not in log.skipped:
            log.skip(row, by)
    return len(new)


def understood(answers: Sequence[Answer], pool: Pool) -> Understood:
    """What answers say of the rows of a pool."""
    return understand(answers, pool.classes, finder(pool), partial(is_text_of, pool), len(pool))


def is_text_of(pool: Pool, answer: Answer, row: int) -> bool:
    """Whether the beginning of what stands beside an answer is that of a row's texts; what is left out says nothing."""
    texts = pool.rows[row]
    return all(
        _beginning(answer.texts[name]) == _beginning(texts[name])
        for name in pool.text_columns
        if answer.texts.get(name)
    )


def _beginning(text: Any) -> str:
    """As much of a text as spreadsheets leave as it was: they change line breaks, and cut long cells off."""
    return " ".join(str(text).split())[:_LONG_ENOUGH]


def finder(pool: Pool) -> Callable[[Answer], int | None]:
    """What finds the row of an answer by its texts."""
    numbers: dict[tuple[Any, ...], int] = {}

    def find(answer: Answer) -> int | None:
        if not numbers:
            numbers.update(pool.first_rows())
        return numbers.get(tuple(answer.texts.get(name) for name in pool.text_columns))

    return find


def import_labels(path: Path, pool: Pool, log: LabelLog) -> tuple[int, int]:
    """Take the labels of a file for any rows of the pool; gives how many were new, and how many rows had one already.

    Raises:
        DataError: the file is broken, or has labels or rows that are unknown; the others are kept all the same.
    """
    found = understood(read_answers(path, log.classes), pool)
    had = sum(row in log.labels for row in found.labels)
    new = keep(found, log, set(range(len(pool))) - log.settled, path.name)
    if found.problems:
        more = f" ({len(found.problems) - 1} more like it)" if len(found.problems) > 1 else ""
        raise DataError(f"{found.problems[0]}{more}; {new} other labels were taken")
    return new, had
