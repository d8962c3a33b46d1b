"""Files of rows to label, as people fill them in: csv, jsonl, or Label Studio's tasks and export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from hf_efficient.errors import DataError, did_you_mean
from hf_efficient.experiments.active.labellers.answers import ID, LABEL, SKIP, Answer
from hf_efficient.report.write import write_whole

_LONGEST: Final = 2**31 - 1
"""Characters of a cell; of itself, Python's csv reads no more than 131,072."""


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
