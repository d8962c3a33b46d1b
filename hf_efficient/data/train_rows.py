"""The training rows before they are encoded, which a technique may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TrainRows:
    """Rows as they were read, and what there is to know of the run before a row is encoded."""

    table: Dataset
    """The rows; of several epochs one after another, if `rows_per_epoch` says so."""
    columns: Any
    """The task's columns: `text`, `label`, …"""
    seed: int
    """What random choices among training rows are drawn from, with epoch and row."""
    place: Callable[[str], str]
    """Where a setting was written, to begin a message."""
    epochs_of: Callable[[int], int] = lambda num_rows: 1
    """Epochs of the run, begun ones counted, if each has so many rows."""
    task: Any = None
    """The task that they are for."""
    device: Any = "cpu"
    """Where models compute."""
    makes_views: bool = True
    """Whether views that cost much are made, or only those taken that are there."""
    unlabelled: Dataset | None = None
    """Rows without labels."""
    unlabelled_views: Dataset | None = None
    """A view of each of them, once or for each epoch, one epoch after another."""
    rows_per_epoch: int | None = None
    """Rows of an epoch, where those of several stand in the table."""
    notes: tuple[str, ...] = ()
    """What was decided for the user."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a technique tells the report, by its name."""

    def with_note(self, note: str) -> TrainRows:
        """The rows with one more remark for the user."""
        return replace(self, notes=(*self.notes, note))

    def with_facts(self, by: str, facts: Mapping[str, Any]) -> TrainRows:
        """The rows with what a technique tells the report."""
        return replace(self, facts={**self.facts, by: facts})
