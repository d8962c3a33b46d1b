"""The files of a finished run, and reading them back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hf_efficient.errors import RunDirectoryError
from hf_efficient.report.markdown import report_markdown
from hf_efficient.report.model_card import Assets, model_card

Report = dict[str, Any]

FORMAT = 1

_SECTIONS = ("task", "model", "data", "metrics", "training", "precision", "launch", "versions", "notes", "output_dir")


def write_reports(
    run_dir: Path,
    report: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    recipe_text: str,
    assets: Assets,
) -> None:
    """Write README.md, report.md and, last, report.json, whose presence says that the run is finished.

    Raises RunDirectoryError if a file can't be written, ValueError if the report holds NaN or infinity.
    """
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(run_dir / "README.md", model_card(report, recipe_text, assets))
    write_whole(run_dir / "report.md", report_markdown(report, history))
    write_whole(run_dir / "report.json", text)


def read_report(run_dir: Path) -> Report | None:
    """The report of a finished run, None if the run is not finished.

    Raises RunDirectoryError if report.json is damaged or of another version.
    """
    path = run_dir / "report.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path}: expected a report, but it can't be read ({error}); {_REMEDY}") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        found = report.get("format") if isinstance(report, dict) else type(report).__name__
        raise RunDirectoryError(f"{path}: expected a report of format {FORMAT}, found {found!r}; {_REMEDY}")
    if missing := [section for section in _SECTIONS if section not in report]:
        raise RunDirectoryError(f"{path}: expected a section {missing[0]!r}, found none; {_REMEDY}")
    return report


_REMEDY = "delete the file and run the recipe again, or choose another training.output_dir"


def write_whole(path: Path, text: str) -> None:
    """Write a text so that its file is either whole or as it was before, also after a crash.

    Raises:
        RunDirectoryError: it can't be written.
    """
    write_file(path, lambda partial: partial.write_text(text, encoding="utf-8", newline="\n"))


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` write a file, which is then either whole or as it was before, also after a crash.

    Raises:
        RunDirectoryError: it can't be written.
    """
    try:
        with whole_file(path) as partial:
            write(partial)
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: can't be written ({error.strerror or error}); free the disk or choose another training.output_dir"
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which takes its place once the block has ended well and it is on disk.

    Raises:
        OSError: it can't be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
