"""What is known of a loop on disk: labels as they come, rounds as they end. Killed anywhere, it goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_efficient.errors import RunDirectoryError
from hf_efficient.experiments.json_lines import Record, append_lines, read_lines
from hf_efficient.report.write import write_whole


@dataclass(frozen=True)
class ActiveDirectory:
    """Names of the parts of `<output_dir>/active`."""

    path: Path

    @property
    def pool(self) -> Path:
        """Which pool and settings the loop was started with."""
        return self.path / "pool.json"

    @property
    def labels(self) -> Path:
        """One JSON object for each label, skip or undone label, in the order that they came."""
        return self.path / "labels.jsonl"

    @property
    def rounds(self) -> Path:
        """One JSON object for each round: its model's metrics, and what it chose."""
        return self.path / "rounds.jsonl"

    @property
    def labelled(self) -> Path:
        """All labelled rows, as data to train on."""
        return self.path / "labelled.parquet"

    @property
    def validation(self) -> Path:
        """The rows that are scored, where they were held out of the training rows."""
        return self.path / "validation.parquet"

    @property
    def report(self) -> Path:
        """What the labels were worth, for programs."""
        return self.path / "report.json"

    def to_label(self, number: int, suffix: str) -> Path:
        """The file that a person fills in for the rows that round `number` chose."""
        return self.path / f"to_label-{number:03d}{suffix}"

    def run(self, number: int) -> Path:
        """The run of a round."""
        return self.path / "rounds" / f"{number:03d}"

    def predictions(self, number: int) -> Path:
        """Predicted classes of the rows whose agreement is watched."""
        return self.path / f"predictions-{number:03d}.npy"


class LabelLog:
    """Labels by the row's number in the pool; each is on disk before it counts, and nothing is ever taken away."""

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self.path = path
        self.classes = tuple(classes)
        self.labels: dict[int, str] = {}
        """Class of each labelled row."""
        self.skipped: set[int] = set()
        """Rows that nobody wants to label."""
        self.by: dict[int, str] = {}
        """Who or what has settled each of them."""
        for record in read_lines(path):
            self._take(record)

    def give(self, row: int, label: str, by: str) -> None:
        """Label a row."""
        self._write({"id": row, "label": label, "by": by})

    def skip(self, row: int, by: str) -> None:
        """Set a row aside: it is not asked for again."""
        self._write({"id": row, "skipped": True, "by": by})

    def undo(self, row: int, by: str) -> None:
        """Take what was said of a row back."""
        self._write({"id": row, "undone": True, "by": by})

    def give_all(self, labels: Mapping[int, str], by: str) -> None:
        """Label several rows at once."""
        self._write(*({"id": row, "label": label, "by": by} for row, label in labels.items()))

    @property
    def settled(self) -> set[int]:
        """Rows that need no answer any more."""
        return self.labels.keys() | self.skipped

    def _write(self, *records: Record) -> None:
        append_lines(self.path, records)
        for record in records:
            self._take(record)

    def _take(self, record: Record) -> None:
        row = record["id"]
        self.by[row] = record["by"]
        self.skipped.discard(row)
        self.labels.pop(row, None)
        if "label" in record:
            self.labels[row] = record["label"]
        elif record.get("skipped"):
            self.skipped.add(row)


def hold_to(path: Path, facts: Mapping[str, Any], remedy: str) -> None:
    """Remember what a loop was started with, and refuse to go on with anything else.

    Raises:
        RunDirectoryError: the loop was started with something else.
    """
    if not path.exists():
        write_whole(path, json.dumps(facts, indent=2) + "\n")
        return
    earlier = json.loads(path.read_text(encoding="utf-8"))
    changed = [name for name in facts if earlier.get(name) != facts[name]]
    if changed:
        raise RunDirectoryError(
            f"{path.parent} holds a loop with another {changed[0]} ({earlier.get(changed[0])} there, "
            f"{facts[changed[0]]} here); {remedy}"
        )
