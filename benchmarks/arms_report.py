"""python benchmarks/arms_report.py EXPERIMENT [--control ARM] [--rows FILE] [--note FILE]

Fills the table between the markers `arms` of `docs/results/EXPERIMENT.md` and draws its figure, from the rows that
`hf-efficient experiment` has written: by default those kept in `benchmarks/results/EXPERIMENT.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
from notes import fill, table

from hf_efficient.report.arms import arms_table, compared_metric
from hf_efficient.report.units import metric_label

RESULTS = Path(__file__).parent / "results"
NOTES = Path(__file__).parent.parent / "docs" / "results"


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw what the arms are compared in, a dot a seed and a line for the mean, and the CPU time of each."""
    compared = compared_metric(rows)
    if compared is None:
        raise SystemExit("none of the rows is scored: there is nothing to draw")
    split, metric = compared
    arms = list(dict.fromkeys(_name(row) for row in rows))
    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(10, 0.5 * len(arms) + 1.2), constrained_layout=True
    )
    for place, arm in enumerate(arms):
        of_arm = [row for row in rows if _name(row) == arm]
        scores = [row["metrics"][split][metric] for row in of_arm]
        left.plot(scores, [place] * len(scores), "o", color="tab:blue", alpha=0.6)
        mean = statistics.mean(scores)
        left.plot([mean, mean], [place - 0.3, place + 0.3], color="tab:blue", linewidth=2)
        right.barh(place, statistics.mean(row["training"]["cpu_seconds"] for row in of_arm), color="tab:gray")
    left.set_yticks(range(len(arms)), arms)
    left.set_ylim(len(arms) - 0.5, -0.5)
    left.set_xlabel(f"{metric_label(metric)}, {split}: each seed, and the mean")
    right.set_xlabel("CPU seconds of training, the mean")
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _name(row: dict[str, Any]) -> str:
    return f"{row['condition']}: {row['arm']}" if row["condition"] else str(row["arm"])


def main() -> None:
    """Fill the note, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("--control", help="the arm that the others are measured against")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--note", type=Path)
    options = parser.parse_args()
    path = options.rows or RESULTS / f"{options.experiment}.jsonl"
    note = options.note or NOTES / f"{options.experiment}.md"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    header, *lines = [[cell.replace("\n", " ") for cell in line] for line in arms_table(rows, options.control)]
    note.write_text(fill(note.read_text(), {"arms": table(header, lines)}))
    draw(rows, note.with_suffix(".png"))


if __name__ == "__main__":
    main()
