"""Active learning from words to a model: by simulation, by a function, and by a person with a file."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.experiments.active.run import active_learning
from tests.integration.command_line import WORDS, sentences, write_rows
from tests.processes import ChildError, run_processes

TINY = {
    "task.metrics": ["accuracy"],
    "training.num_train_epochs": 1,
    "training.save_strategy": "no",
    "training.eval_strategy": "no",
    "active.seed_size": 6,
    "active.query_size": 4,
    "active.budget": 18,
}


def learn(folder, settings=(), **arguments):
    """What a loop over the smoke recipe's rows comes to."""
    words = {**TINY, "training.output_dir": str(folder), "active.fast": True, **dict(settings)}
    return active_learning("smoke", words, **arguments)


def rounds(folder):
    lines = (Path(folder) / "active" / "rounds.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    """A loop that ran in one go."""
    os.environ["HF_EFFICIENT_HOME"] = str(home / "cache")
    folder = tmp_path_factory.mktemp("whole")
    lines = []
    return learn(folder, shown=lines.append), lines


@pytest.fixture(autouse=True)
def _cache(shared_cache):
    """All tests share the features."""


def test_a_simulation_labels_in_rounds_and_trains_on_all_labels(whole):
    ended, lines = whole
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10, 14, 18]
    assert [len(record["chosen"]) for record in ended.rounds] == [6, 4, 4, 4, 0]
    assert ended.rounds[0]["by"] == "seed_set"
    assert {record["by"] for record in ended.rounds[1:]} == {"margin"}
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


@pytest.mark.parametrize(
    "strategy", ["random", "least_confidence", "entropy", "bald", "core_set", "badge", "contrastive"]
)
def test_every_strategy_chooses_rows_that_have_no_label(tmp_path, strategy):
    ended = learn(tmp_path, {"active.strategy": strategy, "active.budget": 14})
    chosen = [row["id"] for record in ended.rounds for row in record["chosen"]]
    assert len(set(chosen)) == 14
    assert ended.rounds[-1]["metric"] is not None


@pytest.mark.parametrize("strategy", ["margin", "bald", "badge", "core_set"])
def test_models_that_are_fine_tuned_in_every_round(tmp_path, strategy):
    settings = {"active.fast": False, "active.strategy": strategy, "active.budget": 10, "active.seed_set": "stratified"}
    ended = learn(tmp_path, {**settings, **({"active.members": 2} if strategy == "bald" else {})})
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10]
    assert len({row["id"] for record in ended.rounds for row in record["chosen"]}) == 10
    assert ended.rounds[1]["metrics"]["accuracy"] is not None
    assert ended.rounds[2]["agreement"] is not None


def test_a_warm_start_goes_on_from_the_weights_of_the_round_before(tmp_path):
    learn(tmp_path, {"active.fast": False, "active.warm_start": True, "active.budget": 14})
    words = (tmp_path / "active" / "rounds" / "003" / "recipe.yaml").read_text()
    assert "active/rounds/002" in words
    assert "initialization: pretrained" in words
    assert not (tmp_path / "active" / "rounds" / "001").exists()


def test_bald_needs_dropout(tmp_path):
    settings = {"active.fast": False, "active.strategy": "bald", "model.config.hidden_dropout_prob": 0.0}
    with pytest.raises(PlanError, match="bald draws members by dropout, and the model has none"):
        learn(tmp_path, {**settings, "model.config.attention_probs_dropout_prob": 0.0})


def killed_at(folder, home, point):
    """Run the loop, and be killed in the middle of writing the line of that number."""
    os.environ["HF_EFFICIENT_HOME"] = home
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


def test_killed_anywhere_it_goes_on_with_the_same_choices(whole, home, tmp_path):
    expected = rounds(whole[0].outcome.directory.path)
    for point in (2, 3, 6):  # labels of the seed set, the first model, labels that it asked for
        folder = tmp_path / str(point)
        with pytest.raises(ChildError, match="ended with -9"):
            run_processes(1, killed_at, str(folder), str(home / "cache"), point)
        assert not (folder / "report.json").exists()
        ended = learn(folder)
        assert rounds(folder) == expected
        assert ended.labels == whole[0].labels


def test_memory_stays_flat_over_fifty_rounds(tmp_path):
    used, process = [], psutil.Process()
    settings = {"active.query_size": 1, "active.seed_size": 4, "active.budget": 44, "active.strategy": "badge"}
    # 48 rows make 44 rounds; the first ones import and allocate what stays.
    learn(tmp_path, settings, shown=lambda line: used.append(process.memory_info().rss))
    assert len(used) >= 42
    assert used[40] - used[10] < 15e6


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


def test_a_function_labels(tmp_path):
    write_rows(tmp_path / "rows.csv", [{"text": row["text"]} for row in sentences(24)])
    unlabelled = {"data": {"name": None, "train": str(tmp_path / "rows.csv")}, "task.labels": ["cooking", "sailing"]}
    asked = []

    def label(texts):
        asked.extend(texts)
        return ["sailing" if "sail" in text else "cooking" for text in texts]

    ended = learn(tmp_path / "run", {**unlabelled, "active.budget": 10}, labeller=label)
    assert len(asked) == len(set(asked)) == 10
    assert sorted(ended.labels.values()) == sorted(label(asked[:10]))
    assert ended.outcome.report["task"]["labels"] == ["cooking", "sailing"]
    with pytest.raises(DataError, match=r"expected one of cooking, sailing for row .* of the pool, found soup"):
        learn(tmp_path / "wrong", unlabelled, labeller=lambda texts: ["soup"] * len(texts))
    with pytest.raises(DataError, match="expected a label for each of 6 rows, found 1"):
        learn(tmp_path / "few", unlabelled, labeller=lambda texts: ["cooking"])


def test_words_that_can_t_be_meant(tmp_path):
    with pytest.raises(RecipeError, match="active is missing: it says which rows are worth a label"):
        active_learning("smoke")
    with pytest.raises(RecipeError, match=r"active.metric is acuracy, .* Did you mean accuracy"):
        learn(tmp_path, {"active.metric": "acuracy"})
    with pytest.raises(RecipeError, match="no_such_module can't be imported"):
        learn(tmp_path, {"active.labeller": "no_such_module:label"})
    with pytest.raises(RecipeError, match=r"os.path has no function jion. Did you mean join"):
        learn(tmp_path, {"active.labeller": "os.path:jion"})
    learn(tmp_path, {"active.budget": 6})
    from hf_efficient.errors import RunDirectoryError

    with pytest.raises(RunDirectoryError, match="holds a loop with another recipe"):
        learn(tmp_path, {"active.budget": 10})


# A person with a file.


@pytest.fixture
def pool(command_line):
    """A recipe over texts without labels."""
    rows = [{"text": row["text"]} for row in sentences(24)]
    command_line.rows("rows.csv", rows)
    command_line.recipe()
    section = "active: {labeller: file, fast: true, seed_size: 4, query_size: 4, budget: 8}\n"
    return command_line.text("recipe.yaml", RECIPE.format(folder=command_line.folder) + section)


RECIPE = """\
task: {{type: text-classification, labels: [cooking, sailing]}}
model: {{name: demo/tiny-bert, initialization: random}}
data: {{train: {folder}/rows.csv}}
training: {{output_dir: {folder}/run, num_train_epochs: 1, learning_rate: 1e-3, precision: fp32, save_strategy: "no"}}
"""


def fill(path, wrong=None):
    """Write the label behind each text of a csv file; `wrong` in the last line."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    words = {text: name for name, texts in WORDS.items() for text in texts}
    filled = [line + next(name for text, name in words.items() if text in line) for line in lines[1:]]
    if wrong:
        filled[-1] = lines[-1] + wrong
    path.write_text("\n".join([lines[0], *filled]) + "\n")


def test_a_person_fills_a_file_in_and_the_same_command_goes_on(command_line, pool):
    first = command_line.run("active", str(pool))
    assert first.status == 0
    file = command_line.run_directory / "active" / "to_label-000.csv"
    assert first.out == f"4 rows wait for labels: fill in {file}, then run `hf-efficient active {pool}`\n"
    before = file.read_bytes()
    assert command_line.run("active", str(pool)).out == first.out
    assert file.read_bytes() == before

    fill(file, wrong="sialing")
    second = command_line.run("active", str(pool))
    assert second.status == 3
    assert "to_label-000.csv:5: expected one of cooking, sailing or skip, found sialing." in second.err
    assert len((file.parent / "labels.jsonl").read_text().splitlines()) == 3

    file.write_text(file.read_text().replace("sialing", "skip"))
    assert "4 rows wait for labels: fill in" in command_line.run("active", str(pool)).out
    fill(file.parent / "to_label-001.csv")
    third = command_line.run("active", str(pool))
    assert "1 rows wait" in third.out  # 7 labels, and a budget of 8
    fill(file.parent / "to_label-002.csv")
    last = command_line.run("active", str(pool))
    assert last.status == 0
    assert command_line.report["data"]["rows"]["train"] + command_line.report["data"]["rows"]["validation"] == 8


def test_finetune_refuses_a_recipe_that_chooses_rows(command_line, pool):
    ending = command_line.run("finetune", str(pool))
    assert ending.status == 2
    assert f"{pool}:5: active chooses rows for people to label: run `hf-efficient active` instead." in ending.err
