"""Active learning from words to a model: the rounds of a loop, what ends it, and that it goes on after a kill."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from hf_efficient.cli import run
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.experiments.active.run import active_learning
from tests.integration.active_loops import TINY, learn
from tests.integration.command_line import sentences, write_rows
from tests.processes import ChildError, run_processes

pytestmark = pytest.mark.usefixtures("shared_cache")  # the features


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    """A loop that ran in one go."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_EFFICIENT_HOME", str(home / "cache"))
        return learn(tmp_path_factory.mktemp("whole"), shown=lines.append), lines


def test_a_simulation_labels_in_rounds_and_trains_on_all_labels(whole):
    ended, lines = whole
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10, 14, 18]
    assert [len(record["chosen"]) for record in ended.rounds] == [6, 4, 4, 4, 0]
    assert ended.rounds[0]["by"] == "seed_set"
    assert {record["by"] for record in ended.rounds[1:]} == {"margin"}
    # The first model has none before it, and the pool is not scored where no more labels are asked for.
    assert [record["agreement"] is None for record in ended.rounds] == [True, True, False, False, True]
    assert ended.rounds[-1]["stopped"] == "all 18 labels of active.budget are given"
    assert ended.outcome.report["data"]["rows"] == {"train": 18, "validation": 16}
    assert lines[0] == "round 0: 0 labels, no model yet; 6 rows chosen by clusters"
    assert lines[-1].endswith("; all 18 labels of active.budget are given")
    chosen = [row["id"] for record in ended.rounds for row in record["chosen"]]
    assert len(set(chosen)) == len(chosen) == len(ended.labels) == 18
    for row in ended.rounds[1]["chosen"]:
        assert row.keys() == {"id", "score", "predicted", "p"}
        assert row["score"] == pytest.approx(1 - (2 * row["p"] - 1))  # of two classes the margin follows from one


def test_the_model_at_the_end_is_a_plain_run_of_the_labelled_rows(whole):
    ended, _ = whole
    words = ended.outcome.directory.recipe.read_text()
    assert "labelled.parquet" in words
    assert "active: null" in words
    again = learn(ended.outcome.directory.path)
    assert again.outcome.report == ended.outcome.report


def test_the_model_at_the_end_is_pushed_and_no_other(tmp_path, monkeypatch, capsys):
    pushed = []
    monkeypatch.setattr(
        "hf_efficient.training.finetune._push", lambda run, hub: hub and (pushed.append(run) or "a://b")
    )
    settings = {**TINY, "training.output_dir": str(tmp_path), "active.budget": 6, "hub.repo_id": "me/my-model"}
    assert run(["active", "smoke", *(f"{path}={json.dumps(value)}" for path, value in settings.items())]) == 0
    assert [directory.path for directory in pushed] == [tmp_path]
    assert capsys.readouterr().out.endswith("Pushed to a://b\n")


def rounds(folder):
    lines = (Path(folder) / "active" / "rounds.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if "seconds" not in name} for line in lines]


def killed_at(folder, point):
    """Run the loop, and be killed in the middle of writing the line of that number."""
    from hf_efficient.experiments.active import loop, state

    write, calls = state.append_lines, []

    def append(path, records):
        calls.append(path)
        if len(calls) == point:
            with path.open("ab") as file:
                file.write(b'{"id": 1, "lab')
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, records)

    state.append_lines = loop.append_lines = append
    learn(folder)


def test_killed_anywhere_it_goes_on_with_the_same_choices(whole, tmp_path):
    expected = rounds(whole[0].outcome.directory.path)
    for point in (2, 5):  # labels of the seed set, the second model
        folder = tmp_path / str(point)
        with pytest.raises(ChildError, match="ended with -9"):
            run_processes(1, killed_at, str(folder), point)
        assert not (folder / "report.json").exists()
        ended = learn(folder)
        assert rounds(folder) == expected
        assert ended.labels == whole[0].labels


def test_memory_stays_flat_over_fifty_rounds(tmp_path):
    write_rows(tmp_path / "rows.csv", sentences(80))
    used, process = [], psutil.Process()
    settings = {
        "data": {"name": None, "train": str(tmp_path / "rows.csv")},
        "active.strategy": "badge",
        "active.query_size": 1,
        "active.seed_size": 4,
        "active.budget": 56,
    }
    learn(tmp_path / "run", settings, shown=lambda line: used.append(process.memory_info().rss))
    assert len(used) > 50
    assert used[50] - used[10] < 15e6  # the first rounds import, and allocate what stays


def test_a_pool_that_runs_dry_ends_the_loop(tmp_path):
    ended = learn(tmp_path, {"active.query_size": 30, "active.budget": 99})
    assert ended.rounds[-1]["stopped"] == "the pool has run dry after 48 labels, of 99 in active.budget"
    assert ended.outcome.report["data"]["rows"]["train"] == 48


def test_a_target_and_stability_end_it_sooner(tmp_path):
    ended = learn(tmp_path / "a", {"active.target": 0.1})
    assert "active.target 0.1" in ended.rounds[1]["stopped"]
    assert ended.outcome.report["data"]["rows"]["train"] == 6
    ended = learn(tmp_path / "b", {"active.stability": 0.01, "active.stability_rounds": 1, "active.budget": 40})
    assert "active.stability is 0.01" in ended.rounds[-1]["stopped"]


def test_words_that_can_t_be_meant(tmp_path, monkeypatch):
    with pytest.raises(RecipeError, match="active is missing: it says which rows are worth a label"):
        active_learning("smoke")
    with pytest.raises(RecipeError, match=r"active.metric is acuracy, .* Did you mean accuracy"):
        learn(tmp_path, {"active.metric": "acuracy"})
    with pytest.raises(PlanError, match="no_such_module can't be imported"):
        learn(tmp_path, {"active.labeller": "no_such_module:label"})
    with pytest.raises(PlanError, match=r"os.path has no function jion. Did you mean join"):
        learn(tmp_path, {"active.labeller": "os.path:jion"})
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(PlanError, match="runs as one process"):
        learn(tmp_path)
