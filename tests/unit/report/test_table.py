from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from hf_efficient.report import print_table
from tests.unit.report import reports


def printed(report, *, terminal: bool = False) -> str:
    stream = io.StringIO()
    print_table(report, Console(file=stream, width=80, force_terminal=terminal, legacy_windows=False))
    return stream.getvalue()


def rows(text: str) -> dict[str, str]:
    """The table's values by their label."""
    pairs = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def test_the_table_shows_what_a_run_was_worth():
    shown = rows(printed(reports.single_label()))
    assert shown["Model"] == "demo/minilm-l6 (BertForSequenceClassification)"
    assert shown["Data"] == "demo/movie-sentiment: 8,000 train, 2,000 validation, 500 test"
    assert shown["Accuracy"] == "0.8605 validation, 0.8540 test"
    assert shown["Macro F1"] == "0.8600 validation, 0.8532 test"
    assert shown["Loss"] == "0.3312 validation, 0.3410 test"
    assert shown["Time"] == "2 min 00 s (2 min 01 s of CPU)"
    assert shown["Throughput"] == "66.50 rows/s"
    assert shown["Peak memory"] == "812 MB of the process"
    assert shown["Parameters"] == "22,713,986, all trained"
    assert "Matthews correlation" not in shown


def test_other_problems_show_their_first_metrics():
    shown = rows(printed(reports.regression()))
    assert shown["MSE"] == "1.2500 validation"
    assert shown["Pearson's r"] == "undefined validation"
    assert "Spearman's rho" not in shown
    assert "Accuracy" not in shown


def test_frozen_parameters_and_the_gpu_are_told():
    report = reports.single_label()
    report["model"]["trainable_parameters"] = 300_000
    report["peak_memory_kind"] = "cuda"
    shown = rows(printed(report))
    assert shown["Parameters"] == "300,000 trained of 22,713,986 (1.32 %)"
    assert shown["Peak memory"] == "812 MB on the GPU"


def test_what_was_not_measured_is_said_and_not_zero():
    shown = rows(printed(reports.unmeasured()))
    assert {shown["Time"], shown["Throughput"], shown["Peak memory"]} == {"not measured"}


def test_places_and_next_steps_follow():
    report = reports.single_label()
    report["output_dir"] = "runs/my first run"
    text = printed(report)
    assert "Everything lies in runs/my first run:" in text
    for command in ("predict 'runs/my first run' --data", "evaluate 'runs/my first run' --data"):
        assert f"  hf-efficient {command} FILE\n" in text
    assert "  hf-efficient push 'runs/my first run' --repo-id USER/NAME\n" in text


@pytest.mark.parametrize("make", [reports.single_label, reports.regression, reports.multi_label, reports.unmeasured])
@pytest.mark.parametrize("terminal", [True, False])
def test_it_fits_one_screen_of_80_columns(make, terminal):
    report = make()
    report["model"]["name"] = "an-organisation-with-a-long-name/" + "a-model-with-a-very-long-name-" * 4
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed(report, terminal=terminal)).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 28


def test_it_is_plain_where_nobody_watches():
    assert printed(reports.single_label()).isascii()
    assert not printed(reports.single_label(), terminal=True).isascii()


def test_names_are_not_taken_for_markup():
    report = reports.single_label()
    report["data"]["name"] = "data[bold]/x"
    report["output_dir"] = "runs/[red]x"
    text = printed(report)
    assert "data[bold]/x" in text
    assert "Everything lies in runs/[red]x:" in text
