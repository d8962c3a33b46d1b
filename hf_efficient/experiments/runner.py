"""Runs the arms of an experiment, and writes one row for each arm and seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hf_efficient.errors import INTERRUPTED, RunDirectoryError
from hf_efficient.experiments.experiment import Cell, Experiment
from hf_efficient.experiments.json_lines import Record, append_lines, read_rows

Launch = Callable[[Cell], int]
"""Runs a cell and gives its exit status; what it was worth lies in its run directory."""


def run_experiment(
    experiment: Experiment, launch: Launch, shown: Callable[[str], None] = lambda line: None
) -> list[Record]:
    """One row for each arm and seed; runs that have theirs already are not run again.

    A run that fails leaves no row, and the others go on; the same call tries it again.

    Args:
        experiment: the arms and seeds.
        launch: runs one of them.
        shown: told before and after each run, a line at a time.

    Raises:
        RunDirectoryError: a row or a run there has other settings, or another process is running the experiment.
    """
    cells = list(experiment.cells())
    with _held(experiment.results):
        rows = read_rows(experiment.results, "condition", "arm", "seed")
        _refuse_other_settings(rows, cells, experiment.results)
        for number, cell in enumerate(cells, start=1):
            if cell.key in rows:
                continue
            shown(f"{number} of {len(cells)}: {cell.name}")
            if (status := launch(cell)) == 0:
                rows[cell.key] = _row(cell)
                append_lines(experiment.results, [rows[cell.key]])
            elif status == INTERRUPTED:
                raise KeyboardInterrupt
            else:
                shown(f"{cell.name} has failed with status {status}")
    return [rows[cell.key] for cell in cells if cell.key in rows]


def _refuse_other_settings(rows: Mapping[tuple[Any, ...], Record], cells: list[Cell], path: Path) -> None:
    for cell in cells:
        row = rows.get(cell.key)
        if row is not None and row["recipe_digest"] != cell.load().digest():
            raise RunDirectoryError(
                f"{path}: the row of {cell.name} has other settings than the experiment now; take "
                "its line and its run directory away, or choose another output_dir."
            )


def _row(cell: Cell) -> Record:
    report = json.loads((cell.directory / "report.json").read_text(encoding="utf-8"))
    return {
        "condition": cell.condition,
        "arm": cell.arm,
        "seed": cell.seed,
        "metrics": report["metrics"],
        "model": report["model"],
        "training": report["training"],
        "peak_memory_bytes": report["peak_memory_bytes"],
        "stored_bytes": {name: _bytes_in(cell.directory / name) for name in ("model", "adapter")},
        "precision": report["precision"]["name"],
        "launch": report["launch"],
        "versions": report["versions"],
        "recipe_digest": report["recipe_digest"],
    }


def _bytes_in(folder: Path) -> int | None:
    """Size of the files in a folder; None where there is none."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else None


@contextmanager
def _held(results: Path) -> Iterator[None]:
    results.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(results.with_suffix(".lock"), timeout=0):
            yield
    except Timeout as error:
        raise RunDirectoryError(
            f"{results.parent}: another process is running this experiment; wait for it."
        ) from error
