"""python benchmarks/active_report.py [--results DIRECTORY] [--note FILE]

Fills the tables of `docs/results/active.md` and draws its figures: from `active-r8.jsonl` and `active-20news.jsonl`,
the rows that `hf-efficient active --strategies` has written, and from `active_scoring.json`; by default those in
`benchmarks/results`. What is not there is said to be not measured yet.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from notes import fill, table

from hf_efficient.report.active import curves_table, full_line
from hf_efficient.report.active_figure import draw_curves

RESULTS = Path(__file__).parent / "results"
NOTE = Path(__file__).parent.parent / "docs" / "results" / "active.md"
COMPARISONS = ("active-r8", "active-20news")
NOT_YET = "Not measured yet."


def comparison(path: Path, figure: Path) -> str:
    """The table of a comparison, and its figure."""
    if not path.exists():
        return NOT_YET
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    header, *lines = [[cell.replace("\n", " ") for cell in line] for line in curves_table(rows)]
    draw_curves(rows, figure)
    return f"{table(header, lines)}\n\n{full_line(rows)}\n\n![Metric against labels]({figure.name})"


def scoring(path: Path) -> str:
    """The table of the scoring pass."""
    if not path.exists():
        return NOT_YET
    header = ["pool", "tokens a row", "padded to", "times as fast, median (quartiles)", "limit"]
    return table(header, [_scored(name, found) for name, found in json.loads(path.read_text())["results"].items()])


def _scored(name: str, found: dict[str, Any]) -> list[str]:
    over = found["speedup_over_fixed"]
    low, high = over["quartiles"]
    speed = f"{over['median']:.2f} ({low:.2f} to {high:.2f})"
    return [name, f"{found['tokens_per_row']:.0f}", str(found["length"]), speed, f"{over['limit']:.2f}"]


def main() -> None:
    """Fill the note, draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--note", type=Path, default=NOTE)
    options = parser.parse_args()
    parts = {
        name: comparison(options.results / f"{name}.jsonl", options.note.with_name(f"{name}.png"))
        for name in COMPARISONS
    }
    parts["scoring"] = scoring(options.results / "active_scoring.json")
    options.note.write_text(fill(options.note.read_text(), parts))


if __name__ == "__main__":
    main()
