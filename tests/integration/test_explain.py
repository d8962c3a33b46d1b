from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from hf_efficient.cli.app import run
from hf_efficient.recipe import Recipe
from hf_efficient.training.explain import explain
from tests.processes import run_processes
from tests.runs import train

QUIET = {"training.save_strategy": "no", "training.eval_strategy": "no"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "home"))


def explained_and_trained(output_dir, settings):
    """The steps that `explain` says, those that the Trainer announces, and those that it takes."""
    recipe = Recipe.load("smoke", {**QUIET, "training.output_dir": output_dir, **settings})
    steps = explain(recipe)["steps"]
    trained = train(recipe)
    return steps, trained.max_steps, trained.steps


@pytest.mark.parametrize(
    ("settings", "per_epoch", "total"),
    [
        # 13 rows: batches of 4, 4, 4, 1; three of them a step, and the last one alone.
        ({"training.gradient_accumulation_steps": 3, "training.num_train_epochs": 1.5}, 2, 3),
        ({"training.dataloader_drop_last": True, "training.num_train_epochs": 2}, 3, 6),
        ({"training.max_steps": 7}, 4, 7),
        ({"training.gradient_accumulation_steps": 9, "training.num_train_epochs": 2}, 1, 2),
    ],
)
def test_the_trainer_takes_the_steps_that_are_explained(settings, per_epoch, total, tmp_path):
    few = {"data.limit": 13, "training.per_device_train_batch_size": 4}
    steps, max_steps, taken = explained_and_trained(str(tmp_path / "run"), {**few, **settings})
    assert (steps["per_epoch"], steps["total"]) == (per_epoch, total)
    assert max_steps == taken == total


@pytest.mark.parametrize(
    ("settings", "warmup"),
    [
        ({"training.warmup_steps": 0.15}, 2),  # of 12
        ({"training.warmup_steps": 5}, 5),
        ({"training.warmup_steps": 5, "training.lr_scheduler_type": "step"}, 5),
        ({"training.lr_scheduler_type": "one_cycle"}, None),
    ],
)
def test_warm_up_is_counted_in_steps(settings, warmup, tmp_path):
    recipe = Recipe.load("smoke", {"training.num_train_epochs": 2, "training.output_dir": str(tmp_path), **settings})
    assert explain(recipe)["steps"]["warmup"] == warmup


def two_processes(output_dir):
    said = io.StringIO()
    with redirect_stdout(said):
        settings = {"data.limit": 17, "training.per_device_train_batch_size": 4, "training.num_train_epochs": 3}
        steps = explained_and_trained(output_dir, settings)
        status = run(["explain", "smoke", "data.limit=17", f"training.output_dir={output_dir}"])
    return (*steps, status, said.getvalue())


def test_two_processes_share_the_batches_and_the_first_one_speaks(tmp_path):
    # 17 rows are two steps of 4 rows a process; the one left over can't be shared, and joins the second.
    first, second = run_processes(2, two_processes, str(tmp_path / "run"))
    for steps, max_steps, taken, status, _ in (first, second):
        assert steps["per_epoch"] == 2
        assert steps["total"] == max_steps == taken == 6
        assert status == 0
    said = " ".join(first[-1].split())
    assert "8 a device × 1 accumulated × 2 processes" in said
    assert "2 processes on cpu over gloo, each with the whole model (DDP)" in said
    assert second[-1] == ""


def test_explaining_writes_nothing_into_the_run_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "smoke", "training.output_dir=out/run", "early_stopping.patience_evaluations=2",
                "training.metric_for_best_model=accuracy"]) == 0  # fmt: skip
    output = capsys.readouterr()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert output.err == ""
    for part in (
        "command line",
        "demo/smoke: 48 train, 16 validation",
        "cooking 24, sailing 24",
        "32,674 parameters, all trained",
        "60 in 10 epochs of 6",
        "early_stopping: patience_evaluations 2",
        "out/run (there is nothing yet)",
    ):
        assert part in " ".join(output.out.split())


def test_rows_that_are_cut_are_counted(tmp_path):
    recipe = Recipe.load("smoke", {"data.max_length": 10, "training.output_dir": str(tmp_path)})
    data = explain(recipe)["data"]
    assert data["token_lengths"]["train"] == {"min": 10, "median": 10, "p95": 10, "max": 10}
    assert 0 < data["truncated_rows"]["train"] < 48


def test_rows_that_are_cut_are_counted_for_one_epoch(tmp_path):
    settings = {"data.max_length": 4, "augment": {"random_swap": {}}, "training.output_dir": str(tmp_path)}
    data = explain(Recipe.load("smoke", settings))["data"]
    assert data["truncated_rows"]["train"] == data["rows"]["train"]


@pytest.mark.parametrize(
    ("setting", "status", "said"),
    [
        ("training.seed=x", 2, "command line: training.seed must be a whole number"),
        ("data.columns.label=labl", 2, "there is no column labl, only text, label. Did you mean label?"),
        ("training.metric_for_best_model=bleu", 2, "is bleu, which is no metric of this run"),
    ],
)
def test_what_would_stop_the_run_stops_the_explanation(setting, status, said, tmp_path, capsys):
    assert run(["explain", "smoke", f"training.output_dir={tmp_path / 'run'}", setting]) == status
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1
