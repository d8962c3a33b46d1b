"""The short table at the end of a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hf_efficient.report.summary import cost_rows, origin_rows, score_rows

_MODEL = (("model/", "weights and tokenizer; loads with plain transformers"),)
_MERGED = (*_MODEL, ("adapter/", "the adapter and the head alone, in peft's format"))
_UNMERGED = (
    ("base/", "weights and tokenizer that the adapter is loaded on, with the trained head"),
    (
        "adapter/",
        "the adapter and the head: PeftModel.from_pretrained(AutoModelFor….from_pretrained('base'), 'adapter')",
    ),
)
_FILES = (
    ("report.md", "results and how they came about (report.json for programs)"),
    ("README.md", "the model card"),
    ("recipe.yaml", "every setting and where it came from"),
    ("log.jsonl", "what was logged on the way"),
)


def print_table(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the results of a run, where everything lies, and what to try next."""
    console = console or Console()
    console.print(_results(report, plain=not console.is_terminal))
    for line in _lines(report["output_dir"], weights_files(report)):
        # A path or a command that is broken over two lines can't be copied.
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _results(report: Mapping[str, Any], plain: bool) -> Table:
    table = Table(box=None if plain else box.HORIZONTALS, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for group in (origin_rows(report), score_rows(report), cost_rows(report)):
        for label, value in group:
            table.add_row(Text(label), Text(value))
        table.add_section()
    return table


def weights_files(report: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Where the run's weights lie, and how they are loaded."""
    adapter = report.get("adapter")
    if adapter is None:
        return _MODEL
    return _MERGED if adapter["merged"] else _UNMERGED


def _lines(output_dir: str, weights: Sequence[tuple[str, str]]) -> list[str]:
    run = shlex.quote(output_dir)
    return [
        "",
        f"Everything lies in {output_dir}:",
        *(f"  {name:<12} {meaning}" for name, meaning in (*weights, *_FILES)),
        "Try next:",
        f"  hf-efficient predict {run} --data FILE",
        f"  hf-efficient evaluate {run} --data FILE",
        f"  hf-efficient push {run} --repo-id USER/NAME",
    ]
