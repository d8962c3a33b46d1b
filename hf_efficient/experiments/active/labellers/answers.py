"""What people wrote into a file of rows to label: csv, jsonl, or Label Studio's export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from hf_efficient.errors import DataError, did_you_mean
from hf_efficient.report.write import write_whole

ID, LABEL, SKIP = "id", "label", "skip"
"""Columns of a row's number in the pool and of its label; what to write to set a row aside."""
_LONGEST: Final = 2**31 - 1
"""Characters of a cell; of itself, Python's csv reads no more than 131,072."""


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

    @property
    def skipped(self) -> list[int]:
        """Rows that nobody wants to label."""
        return [row for row, label in self.answers.items() if label is None]


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


def read_answers(path: Path, classes: Sequence[str] = ()) -> list[Answer]:
    """What stands in a file; a last line that was cut off, as by a save that is under way, says nothing.

    Raises:
        DataError: the file is none of the formats, or broken before its last line.
    """
    if path.suffix not in _READERS:
        raise DataError(
            f"{path}: expected a file ending in {', '.join(_READERS)}.{did_you_mean(path.suffix, _READERS)}"
        )
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from error
    return list(_READERS[path.suffix](path, text, classes))


def _decoded(data: bytes) -> str:
    """Text as editors and spreadsheets save it: UTF-8 or UTF-16 with a mark, or else Windows' western letters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _read_csv(path: Path, text: str, classes: Sequence[str]) -> Iterator[Answer]:
    header = text.partition("\n")[0].strip()
    separators = [mark for mark in ",;\t" if LABEL in [name.strip('" ') for name in header.split(mark)]]
    if not separators:
        raise DataError(f"{path}:1: expected columns {ID} and {LABEL}, found {header[:80] or 'nothing'}")
    (_, header_cells), *rows = _csv_rows(path, text, separators[0])
    names = [name.strip() for name in header_cells]
    last = 0 if text.endswith("\n") else text.count("\n") + 1
    for line, row in rows:
        cells = dict(zip(names, row, strict=False))
        label = cells.pop(LABEL, "").strip()
        cut = line == last and _is_cut(label, classes)
        yield Answer(f"{path}:{line}", cells.pop(ID, None), label, cells, cut=cut)


def _csv_rows(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The rows of a csv file with the lines that they end in; a last line that was cut off within a cell is none.

    Raises:
        DataError: its quotation marks don't fit.
    """
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    limit = csv.field_size_limit(_LONGEST)
    try:
        rows.extend((reader.line_num, row) for row in reader)
    except csv.Error as error:
        begins = rows[-1][0] + 1 if rows else 1
        if begins == 1 or begins < text.count("\n") + (not text.endswith("\n")):
            raise DataError(f"{path}:{begins}: its quotation marks don't fit ({error}); mend the line") from error
    finally:
        csv.field_size_limit(limit)
    return rows


def _is_cut(label: str, classes: Sequence[str]) -> bool:
    """Whether a label that ends a file without a line break may be the beginning of another one."""
    return any(name.startswith(label) and name != label for name in classes)


def _read_jsonl(path: Path, text: str, classes: Sequence[str]) -> Iterator[Answer]:
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            label = "" if record.get(LABEL) is None else str(record.pop(LABEL)).strip()
        except (ValueError, AttributeError) as error:
            if number == len(lines):
                return
            raise DataError(f"{path}:{number}: expected a JSON object, found {line[:40]}; mend the line") from error
        gone = SKIP if record.get("skipped") else ""
        yield Answer(f"{path}:{number}", record.pop(ID, None), label or gone, record, bool(record.get("undone")))


def _read_label_studio(path: Path, text: str, classes: Sequence[str]) -> Iterator[Answer]:
    """Label Studio's JSON export: tasks, each with `data`, and `annotations` of which the newest counts."""
    try:
        tasks = json.loads(text)
        for number, task in enumerate(tasks, start=1):
            data = dict(task["data"])
            yield Answer(f"{path} task {number}", data.pop(ID, None), _choice(task), data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: expected Label Studio's export as JSON, a list of tasks with data and annotations "
            f"({type(error).__name__}: {error}); export it as JSON, not JSON-MIN"
        ) from error


def _choice(task: Mapping[str, Any]) -> str:
    given = [annotation for annotation in task["annotations"] if not annotation.get("was_cancelled")]
    newest = sorted(given, key=lambda annotation: str(annotation.get("updated_at", "")))[-1:]
    choices = [
        result["value"]["choices"] for note in newest for result in note["result"] if "choices" in result["value"]
    ]
    if choices:
        return str(choices[0][0])
    return SKIP if task["annotations"] and not given else ""


_READERS: Final[dict[str, Callable[[Path, str, Sequence[str]], Iterator[Answer]]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".json": _read_label_studio,
}
"""Ending of a file of answers → what reads it."""


def write_questions(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with an empty column of labels, whole or not at all; `rows` have an id and their texts.

    Raises:
        RunDirectoryError: they can't be written.
    """
    file = io.StringIO(newline="")
    _WRITERS[path.suffix](file, [{**row, LABEL: ""} for row in rows])
    write_whole(path, file.getvalue())


def _write_csv(file: TextIO, rows: list[dict[str, Any]]) -> None:
    file.write("\ufeff")  # without it Excel takes the text for Windows' western letters
    writer = csv.DictWriter(file, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)


def _write_jsonl(file: TextIO, rows: list[dict[str, Any]]) -> None:
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_label_studio(file: TextIO, rows: list[dict[str, Any]]) -> None:
    tasks = [{"data": {name: value for name, value in row.items() if name != LABEL}} for row in rows]
    json.dump(tasks, file, ensure_ascii=False, indent=1)


_WRITERS: Final[dict[str, Callable[[TextIO, list[dict[str, Any]]], None]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".json": _write_label_studio,
}
SUFFIXES: Final = {"csv": ".csv", "jsonl": ".jsonl", "label_studio": ".json"}
"""Ending of the file of each format of `active.file`."""
