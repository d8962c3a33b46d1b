"""Recipes over tiny data, run as a user runs them: by words on the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from hf_efficient.cli import run

CLASSES = ("cooking", "sailing")
WORDS = {"cooking": ("stir the soup", "bake the bread"), "sailing": ("hoist the sail", "drop the anchor")}


def sentences(count: int) -> list[dict[str, Any]]:
    """Rows of two classes that alternate."""
    classes = [CLASSES[number % 2] for number in range(count)]
    return [{"text": f"{WORDS[c][i // 2 % 2]} {i}", "label": c} for i, c in enumerate(classes)]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a csv, tsv or jsonl file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Ending:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on stderr that are not those of the progress."""
        return [line for line in self.err.splitlines() if not line.startswith(("training:", "epoch ", "step "))]


@dataclass
class CommandLine:
    """A folder with a recipe and its rows, and the command line in it."""

    folder: Path
    capsys: Any

    @property
    def run_directory(self) -> Path:
        """Where the recipe's run lies."""
        return self.folder / "run"

    @property
    def report(self) -> dict[str, Any]:
        """What the run's report says."""
        report: dict[str, Any] = json.loads((self.run_directory / "report.json").read_text(encoding="utf-8"))
        return report

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the run logged."""
        return [json.loads(line) for line in (self.run_directory / "log.jsonl").read_text().splitlines()]

    @property
    def losses(self) -> list[float]:
        """Training loss of every step."""
        return [record["loss"] for record in self.log if "loss" in record]

    @property
    def weights(self) -> dict[str, Any]:
        """The weights that the run saved, as bytes."""
        saved = load_file(self.run_directory / "model" / "model.safetensors")
        return {name: array.tobytes() for name, array in saved.items()}

    def rows(self, name: str, rows: list[dict[str, Any]]) -> Path:
        """The path of a new file of rows."""
        return write_rows(self.folder / name, rows)

    def text(self, name: str, text: str) -> Path:
        """The path of a new file."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def recipe(self) -> Path:
        """A recipe: tiny BERT with random weights, five steps over `rows.csv`."""
        if not (self.folder / "rows.csv").exists():
            self.rows("rows.csv", sentences(20))
        return self.text("recipe.yaml", RECIPE.format(folder=self.folder))

    def finetune(self, *settings: str, recipe: Any = None) -> Ending:
        """`hf-efficient finetune RECIPE key=value …`."""
        return self.run("finetune", str(recipe or self.recipe()), *settings)

    def run(self, *arguments: str) -> Ending:
        """`hf-efficient …`, in this process."""
        self.capsys.readouterr()
        status = run(list(arguments))
        captured = self.capsys.readouterr()
        return Ending(status, captured.out, captured.err)


RECIPE = """\
model:
  name: demo/tiny-bert
  initialization: random
data:
  train: {folder}/rows.csv
training:
  output_dir: {folder}/run
  per_device_train_batch_size: 4
  num_train_epochs: 1
  learning_rate: 1e-3
  logging_steps: 1
  precision: fp32
"""
