"""Running an experiment: one row for each run, none twice, none lost."""

from __future__ import annotations

import json

import pytest

from hf_efficient.errors import INTERRUPTED, RunDirectoryError
from hf_efficient.experiments import load_experiment, run_experiment


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(f"recipe: smoke\nseeds: [0, 1]\noutput_dir: {tmp_path}/runs\narms:\n  a: {{}}\n  b: {{}}\n")
    return load_experiment(path)


class Launcher:
    """Leaves a report as a run would, and remembers what was run; the statuses say how each run ends."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.launched = []

    def __call__(self, cell):
        self.launched.append((cell.arm, cell.seed))
        status = self.statuses.pop(0) if self.statuses else 0
        if status == 0:
            (cell.directory / "model").mkdir(parents=True)
            (cell.directory / "model" / "weights").write_bytes(bytes(7))
            report = {
                "metrics": {"validation": {"accuracy": 0.5 + cell.seed}},
                "model": {"parameters": 9, "trainable_parameters": 9},
                "training": {"cpu_seconds": 1.5},
                "peak_memory_bytes": 10,
                "precision": {"name": "fp32"},
                "launch": {},
                "versions": {},
                "recipe_digest": cell.load().digest(),
            }
            (cell.directory / "report.json").write_text(json.dumps(report))
        return status


ALL = [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def names(rows):
    return [(row["arm"], row["seed"]) for row in rows]


def test_one_row_is_written_for_each_run(experiment):
    rows = run_experiment(experiment, Launcher())
    assert names(rows) == ALL
    assert [json.loads(line) for line in experiment.results.read_text().splitlines()] == rows
    assert rows[2]["metrics"]["validation"]["accuracy"] == 1.5
    assert rows[0]["stored_bytes"] == {"model": 7, "adapter": None}


def test_a_run_that_has_its_row_is_not_run_again(experiment):
    first = run_experiment(experiment, Launcher())
    again = Launcher()
    assert run_experiment(experiment, again) == first
    assert again.launched == []


def test_a_failed_run_is_tried_again_by_the_same_call(experiment):
    lines = []
    assert names(run_experiment(experiment, Launcher(0, 3), lines.append)) == [("a", 0), ("a", 1), ("b", 1)]
    assert "b, seed 0 has failed with status 3" in lines
    again = Launcher()
    assert names(run_experiment(experiment, again)) == ALL
    assert again.launched == [("b", 0)]


def test_an_interrupted_run_ends_the_experiment_and_keeps_its_rows(experiment):
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, Launcher(0, INTERRUPTED))
    again = Launcher()
    run_experiment(experiment, again)
    assert again.launched == ALL[1:]


def test_a_row_that_was_cut_off_is_run_again(experiment):
    run_experiment(experiment, Launcher())
    whole = experiment.results.read_text()
    experiment.results.write_text(whole[:-20])

    def finished(cell):  # its run directory is whole, so that a run there only shows its result
        return 0

    assert names(run_experiment(experiment, finished)) == ALL
    assert experiment.results.read_text() == whole


def test_conditions_are_run_one_after_the_other(experiment, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(path.read_text() + "conditions:\n  few: {settings: {data.limit: 8}}\n  all: {}\n")
    rows = run_experiment(load_experiment(path), Launcher())
    assert [row["condition"] for row in rows] == ["few"] * 4 + ["all"] * 4
    assert names(rows) == ALL * 2
    again = Launcher()
    run_experiment(load_experiment(path), again)
    assert again.launched == []


def test_a_last_row_without_a_line_break_is_kept(experiment):
    run_experiment(experiment, Launcher())
    experiment.results.write_text(experiment.results.read_text().rstrip())
    again = Launcher()
    assert names(run_experiment(experiment, again)) == ALL
    assert again.launched == []


def test_a_line_that_is_no_row_is_refused(experiment):
    run_experiment(experiment, Launcher())
    experiment.results.write_text("arm a\n" + experiment.results.read_text())
    with pytest.raises(RunDirectoryError, match=r"results\.jsonl:1: expected a JSON object, found arm a;"):
        run_experiment(experiment, Launcher())


def test_a_row_of_other_settings_is_refused(experiment, tmp_path):
    run_experiment(experiment, Launcher())
    path = tmp_path / "two.yaml"
    path.write_text(path.read_text().replace("b: {}", "b: {settings: {training.learning_rate: 1e-3}}"))
    with pytest.raises(RunDirectoryError, match="the row of b, seed 0 has other settings"):
        run_experiment(load_experiment(path), Launcher())


def test_two_processes_can_t_run_it_at_once(experiment):
    def inner(cell):
        run_experiment(experiment, Launcher())

    with pytest.raises(RunDirectoryError, match="another process is running this experiment"):
        run_experiment(experiment, inner)
