"""Short loops of active learning over the rows of the smoke recipe, and over rows without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hf_efficient.experiments.active.run import ActiveOutcome, active_learning
from tests.integration.command_line import sentences, write_rows

TINY = {
    "task.metrics": ["accuracy"],
    "training.num_train_epochs": 1,
    "training.save_strategy": "no",
    "training.eval_strategy": "no",
    "active.seed_size": 6,
    "active.query_size": 4,
    "active.budget": 18,
}


def learn(folder: Any, settings: Any = (), **arguments: Any) -> ActiveOutcome:
    """What a loop over the smoke recipe's rows comes to."""
    words = {**TINY, "training.output_dir": str(folder), "active.fast": True, **dict(settings)}
    return active_learning("smoke", words, **arguments)


def unlabelled_rows(folder: Path) -> dict[str, Any]:
    """Settings with 24 texts without labels for data."""
    write_rows(folder / "rows.csv", [{"text": row["text"]} for row in sentences(24)])
    return {"data": {"name": None, "train": str(folder / "rows.csv")}, "task.labels": ["cooking", "sailing"]}
