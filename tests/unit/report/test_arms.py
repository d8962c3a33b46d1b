"""The table of an experiment."""

from __future__ import annotations

import io

from rich.console import Console

from hf_efficient.report.arms import arms_table, compared_metric, print_arms


def row(arm, accuracy, seconds, *, adapter=None, seed=0, condition=None):
    return {
        "condition": condition,
        "arm": arm,
        "seed": seed,
        "metrics": {"validation": {"accuracy": accuracy, "loss": 0.5}},
        "model": {"trainable_parameters": 1000},
        "training": {"cpu_seconds": seconds},
        "peak_memory_bytes": 2_000_000_000,
        "stored_bytes": {"model": 4000, "adapter": adapter},
    }


def test_an_arm_is_the_mean_of_its_seeds_with_their_deviation():
    header, line = arms_table([row("a", 0.80, 10.0), row("a", 0.82, 20.0), row("a", 0.84, 60.0)])
    assert header == ["arm", "seeds", "Accuracy\nvalidation", "CPU time", "peak\nmemory", "trained", "stored"]
    assert line == ["a", "3", "0.8200 ± 0.0200", "30.0 s", "2 GB", "1,000", "4 kB"]


def test_what_earlier_runs_spent_on_scores_stands_beside_the_time():
    found = row("b", 0.8, 1.0)
    found["training"]["found_scores_cpu_seconds"] = 30.0
    header, plain, other = arms_table([row("a", 0.8, 1.0), found, row("b", 0.8, 40.0, seed=1)])
    assert header[3:5] == ["CPU time", "of earlier runs,\nfor scores"]
    assert plain[3:5] == ["1.0 s", ""]
    # One of two seeds found them.
    assert other[3:5] == ["20.5 s", "15.0 s"]


def test_one_seed_has_no_deviation():
    assert arms_table([row("a", 0.8, 1.0)])[1][2] == "0.8000"


def test_what_was_not_measured_is_said():
    assert arms_table([row("a", None, None)])[1][2:4] == ["not measured", "not measured"]


def test_with_an_adapter_it_alone_must_be_stored():
    assert arms_table([row("a", 0.8, 1.0, adapter=50)])[1][-1] == "50 B"


def test_an_arm_is_measured_against_its_control_seed_by_seed():
    rows = [row("a", 0.80, 1.0, seed=0), row("a", 0.90, 1.0, seed=1)]
    rows += [row("b", 0.82, 1.0, seed=0), row("b", 0.94, 1.0, seed=1), row("b", 0.99, 1.0, seed=2)]
    header, control, other = arms_table(rows, "a")
    assert header[3] == "against\na"
    assert control[3] == ""
    assert other[3] == "+0.0300 ± 0.0141"


def test_arms_are_compared_in_the_split_that_was_held_out():
    rows = [row("a", 0.80, 1.0), row("b", 0.90, 1.0)]
    assert compared_metric(rows) == ("validation", "accuracy")
    for one, accuracy in zip(rows, (0.75, 0.70), strict=True):
        one["metrics"] = {"test": {"loss": 0.5, "f1": 0.6, "accuracy": accuracy}, **one["metrics"]}
    assert compared_metric(rows) == ("test", "accuracy")
    header, control, other = arms_table(rows, "a")
    assert header[2:6] == ["Accuracy\nvalidation", "Accuracy\ntest", "against a\ntest", "CPU time"]
    assert control[2:5] == ["0.8000", "0.7500", ""]
    assert other[2:5] == ["0.9000", "0.7000", "-0.0500"]


def test_arms_that_nobody_scores_are_not_compared():
    rows = [{**row(arm, 0.8, 1.0), "metrics": {}} for arm in ("a", "b")]
    assert compared_metric(rows) is None
    assert arms_table(rows, "a")[0] == ["arm", "seeds", "CPU time", "peak\nmemory", "trained", "stored"]


def test_each_condition_has_lines_of_its_own():
    rows = [
        row("a", 0.8, 1.0, condition="few"),
        row("b", 0.7, 1.0, condition="few"),
        row("a", 0.9, 1.0, condition="all"),
    ]
    header, *lines = arms_table(rows, "a")
    assert header[0] == "condition"
    assert [line[:4] for line in lines] == [
        ["few", "a", "1", "0.8000"],
        ["few", "b", "1", "0.7000"],
        ["all", "a", "1", "0.9000"],
    ]
    assert lines[1][4] == "-0.1000"


def test_a_pipe_is_given_the_whole_table():
    rows = [row(f"an-arm-of-a-long-name-{seed}", 0.8, 1.0, condition="a-condition-of-a-long-name") for seed in range(2)]
    text = io.StringIO()
    print_arms(rows, Console(file=text), control="an-arm-of-a-long-name-0")
    line = ["a-condition-of-a-long-name", "an-arm-of-a-long-name-1", "1", "0.8000", "+0.0000", "1.0", "s", "2", "GB"]
    assert text.getvalue().splitlines()[-1].split() == [*line, "1,000", "4", "kB"]
