"""`hf-efficient experiment`, each run in a process of its own."""

from __future__ import annotations

import json

from hf_efficient.cli import run


def test_an_experiment_runs_writes_a_row_and_shows_a_table(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    settings = "{training.max_steps: 2, training.logging_steps: 2}"
    (tmp_path / "one.yaml").write_text(f"recipe: smoke\nseeds: [4]\nsettings: {settings}\narms:\n  plain: {{}}\n")
    assert run(["experiment", "one.yaml"]) == 0
    said = capfd.readouterr()
    assert said.err.startswith("1 of 1: plain, seed 4\n")
    assert "plain      1" in said.out
    assert said.out.endswith("One row for each run: runs/one/results.jsonl\n")
    (line,) = (tmp_path / "runs" / "one" / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["training"]["steps"] == 2


def test_a_run_that_fails_is_said_and_is_the_exit_status(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(
        "recipe: smoke\nseeds: [4]\narms:\n  lost: {settings: {data: {name: null, train: gone.csv}}}\n"
    )
    assert run(["experiment", "one.yaml"]) == 1
    said = capfd.readouterr().err
    assert "gone.csv" in said
    assert "error: 1 of the runs failed, as said above; the same command tries them again." in said
