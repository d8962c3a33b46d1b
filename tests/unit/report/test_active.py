"""Labels against a metric: numbers made by hand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hf_efficient.report.active import FULL, curves_table, full_line, labels_to_reach, print_curves
from hf_efficient.report.active_figure import draw_curves
from hf_efficient.report.active_rounds import rounds_markdown


def row(strategy, seed, *metrics, better=True):
    curve = [(10 * number, metric) for number, metric in enumerate(metrics, start=1)]
    if strategy == FULL:
        curve = [(500, metrics[0])]
    return {
        "strategy": strategy,
        "seed": seed,
        "metric": "accuracy",
        "greater_is_better": better,
        "curve": curve,
        "pool": 500,
    }


ROWS = [
    row(FULL, 1, 0.8),
    row(FULL, 2, 0.9),
    row("margin", 1, 0.5, 0.7, 0.82, 0.9),
    row("margin", 2, 0.5, 0.81, 0.7, 0.9),
    row("random", 1, 0.4, 0.5, 0.6, 0.70),
    row("random", 2, 0.4, 0.5, 0.6, 0.68),
]


def test_labels_to_reach_a_goal():
    curve = [(10, 0.5), (20, 0.8), (30, 0.7), (40, 0.8)]
    assert labels_to_reach(curve, 0.8) == 20
    assert labels_to_reach(curve, 0.9) is None
    assert labels_to_reach([(10, 3.0), (20, 1.0)], 1.5, greater_is_better=False) == 20


def test_the_table_says_what_was_saved():
    header, margin, random = curves_table(ROWS)
    assert header[2:5] == ["Accuracy\n10 labels", "Accuracy\n20 labels", "Accuracy\n40 labels"]
    # 95 % of 0.85 is 0.8075, reached after 30 and 20 labels; random's last is 0.70 and 0.68, after 20 labels twice.
    assert margin == [
        "margin", "2", "0.5000 ± 0.0000", "0.7550 ± 0.0778", "0.9000 ± 0.0000", "25 ± 7", "20 ± 0", "50 ± 0%",
    ]  # fmt: skip
    assert random[5:] == ["not reached", "40 ± 0", "–"]
    assert full_line(ROWS) == "all 500 labels: Accuracy 0.8500 ± 0.0707; 95% of it are 0.8075"


def test_random_by_another_name_saves_nothing_where_the_metric_stands_still():
    curves = [(0.5, 0.7, 0.9, 0.9, 0.9, 0.9), (0.5, 0.6, 0.7, 0.9, 0.8, 0.9)]
    rows = [row(name, seed, *curve) for name in ("twin", "random") for seed, curve in enumerate(curves)]
    assert curves_table(rows)[1][-2:] == ["35 ± 7", "0 ± 0%"]
    worse = [row("worse", 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9), row("random", 0, *curves[0])]
    assert curves_table(worse)[1][-2:] == ["60", "-100%"]


def test_what_was_not_reached_by_every_seed_or_not_measured_is_said():
    some = [*ROWS[:2], ROWS[2], row("margin", 2, 0.1, 0.1, 0.1, 0.1), *ROWS[4:]]
    assert curves_table(some)[1][5:] == ["30 (1 of 2)", "20 (1 of 2)", "none"]
    alone = curves_table([ROWS[2]])[1]
    assert alone[5:] == ["not measured", "not measured", "–"]
    assert full_line([ROWS[2]]) == "all labels: not measured"


def test_loops_without_a_model_or_a_number_of_labels_in_common_are_still_compared(tmp_path):
    odd = [row("margin", 1, 0.5), {**row("random", 1, 0.5), "curve": [(20, 0.4), (30, 0.6)]}]
    assert curves_table(odd)[1:] == [
        ["margin", "1", "not measured", "not reached", "none"],
        ["random", "1", "not measured", "30", "–"],
    ]
    none = [row("margin", 1), row("random", 1, 0.5)]
    assert curves_table(none)[1] == ["margin", "1", "not measured", "not reached", "none"]
    draw_curves([*odd, *none], tmp_path / "a.png")


def test_a_pipe_is_given_the_whole_table():
    text = io.StringIO()
    print_curves(ROWS, Console(file=text))
    assert "0.7550 ± 0.0778" in text.getvalue()
    assert "…" not in text.getvalue()


def test_the_figure_is_drawn(tmp_path):
    draw_curves(ROWS, tmp_path / "a.png")
    draw_curves([{"strategy": "margin", "metric": "accuracy", "curve": [(6, 0.5)]}], tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes()[1:4] == (tmp_path / "b.png").read_bytes()[1:4] == b"PNG"


def test_the_rounds_say_what_was_chosen_and_why():
    record = {"agreement": None, "stopped": None, "seconds": 2.0, "metric": None}
    rounds = [
        {**record, "round": 0, "labels": 0, "by": "seed_set", "chosen": [{"id": 4}]},
        {
            **record,
            **{"round": 1, "labels": 1, "by": "margin", "metric": 0.75, "agreement": 0.5},
            "chosen": [{"id": 7, "score": 0.25, "predicted": "b", "p": 0.875}],
        },
        {**record, "round": 2, "labels": 2, "by": "margin", "chosen": [], "stopped": "the pool has run dry"},
    ]
    text = rounds_markdown(rounds, {4: "a", 7: "a"}, "accuracy", lambda rows: [f"text | {row}" for row in rows])
    assert "| 1 | 1 | 0.7500 | 0.5000 | 1 | 2.0 s |" in text
    assert "| 4 | – | – | a | text \\| 4 |" in text
    assert "| 7 | 0.2500 | b (0.88) | a | text \\| 7 |" in text
    assert "Labels: 2 (a 2)." in text
    assert "It ended because the pool has run dry." in text


@pytest.mark.parametrize("strategies", [["margin"], ["random", "margin"]])
def test_the_control_comes_last(strategies):
    lines = curves_table([row(name, 1, 0.5) for name in strategies])[1:]
    assert [line[0] for line in lines] == sorted(strategies)
