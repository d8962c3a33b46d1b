"""Strategies compared over seeds by `hf-efficient active`, and options of it that can't be meant."""

from __future__ import annotations

import json

import pytest

from hf_efficient.cli import run
from tests.integration.active_loops import TINY

pytestmark = pytest.mark.usefixtures("shared_cache")  # the features


def test_strategies_are_compared_over_seeds_with_all_labels(tmp_path, capsys, monkeypatch):
    settings = {**TINY, "training.output_dir": str(tmp_path), "active.fast": True, "active.budget": 14}
    arguments = [f"{path}={json.dumps(value)}" for path, value in settings.items()]
    command = ["active", "smoke", *arguments, "--strategies", "badge, random", "--seeds", "1,2"]
    assert run(command) == 0
    said = capsys.readouterr()
    assert "badge         2" in said.out
    assert "all 48 labels: Accuracy" in said.out
    results = tmp_path / "active" / "comparison" / "results.jsonl"
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [(row["strategy"], row["seed"]) for row in rows] == [
        (name, seed) for seed in (1, 2) for name in ("full", "badge", "random")
    ]
    assert [labels for labels, _ in rows[1]["curve"]] == [6, 10, 14]
    assert rows[0]["curve"][0][0] == 48
    first = {row["seed"]: row["curve"][0] for row in rows if row["strategy"] == "badge"}
    assert first == {row["seed"]: row["curve"][0] for row in rows if row["strategy"] == "random"}  # one seed set
    assert results.with_name("labels.png").exists()
    of_a_loop = json.loads((results.parent / "badge" / "seed-1" / "report.json").read_text())["rounds"]
    assert rows[1]["cpu_seconds"] == sum(record["cpu_seconds"] for record in of_a_loop) > 0
    assert "rows chosen by badge" in (results.parent / "badge" / "seed-1" / "report.md").read_text()

    results.write_text("".join(results.read_text().splitlines(keepends=True)[:-1]) + '{"strat')
    monkeypatch.setattr(
        "hf_efficient.experiments.active.learners.LinearHead.fit", None
    )  # what is there is not run again
    assert run(command) == 0
    assert [json.loads(line) for line in results.read_text().splitlines()] == [
        {**row, "cpu_seconds": json.loads(line)["cpu_seconds"]}
        for row, line in zip(rows, results.read_text().splitlines(), strict=True)
    ]
    assert run([*command, "active.query_size=2"]) == 1
    assert "the row of full, seed 1 has other settings than the recipe now" in capsys.readouterr().err
    results.write_text(results.read_text().replace(rows[0]["pool_digest"], "another"))
    assert run(command) == 1
    assert "the row of full, seed 1 is of other rows or labels than those now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategies", "badg"], "--strategies: badg is none of random, least_confidence"),
        (["--strategies", "badge,badge"], "--strategies: expected each once, found badge, badge"),
        (["--strategies", "badge", "--seeds", "1,x"], "--seeds 1,x: expected whole numbers"),
        (["--strategies", "badge", "--wait"], "--wait has no effect beside --strategies"),
        (["--strategies", "badge", "active.labeller=file"], "strategies can only be compared where all labels are kn"),
        (["--seeds", "1"], "--seeds has no effect without --strategies"),
        (["--port", "80"], "--port has no effect beside active.labeller: simulated"),
        (["--wait", "active.labeller=file", "active.file=label_studio"], "--wait has no effect beside active.labeller"),
    ],
)
def test_options_that_can_t_be_meant(tmp_path, capsys, arguments, message):
    place = [f"training.output_dir={tmp_path}", "active.budget=18", "active.seed_size=6"]
    assert run(["active", "smoke", *place, *arguments]) == 2
    assert message in capsys.readouterr().err
