"""Active learning from words to a model: by simulation, by a function, and by a person with a file."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from hf_efficient.cli import run
from hf_efficient.errors import DataError, PlanError, RecipeError, RunDirectoryError
from hf_efficient.experiments.active import learners
from hf_efficient.experiments.active.run import active_learning
from hf_efficient.training.finetune import finetune
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
    return [{name: value for name, value in json.loads(line).items() if "seconds" not in name} for line in lines]


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


@pytest.mark.parametrize("strategy", ["bald", "badge"])
def test_models_that_are_fine_tuned_in_every_round(tmp_path, strategy):
    settings = {"active.fast": False, "active.strategy": strategy, "active.budget": 10, "active.seed_set": "stratified"}
    ended = learn(tmp_path, {**settings, **({"active.members": 2} if strategy == "bald" else {})})
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10]
    assert len({row["id"] for record in ended.rounds for row in record["chosen"]}) == 10
    assert ended.rounds[1]["metrics"]["accuracy"] is not None
    assert ended.rounds[2]["agreement"] is not None


def test_the_model_at_the_end_is_pushed_and_no_other(tmp_path, monkeypatch, capsys):
    pushed = []
    monkeypatch.setattr(
        "hf_efficient.training.finetune._push", lambda run, hub: hub and (pushed.append(run) or "a://b")
    )
    settings = {**TINY, "training.output_dir": str(tmp_path), "active.budget": 6, "hub.repo_id": "me/my-model"}
    assert run(["active", "smoke", *(f"{path}={json.dumps(value)}" for path, value in settings.items())]) == 0
    assert [directory.path for directory in pushed] == [tmp_path]
    assert capsys.readouterr().out.endswith("Pushed to a://b\n")


def test_a_warm_start_goes_on_from_the_weights_of_the_round_before(tmp_path, monkeypatch):
    recipes = []
    monkeypatch.setattr(learners, "finetune", lambda recipe: recipes.append(recipe) or finetune(recipe))
    learn(tmp_path, {"active.fast": False, "active.warm_start": True, "active.budget": 14})
    rounds = tmp_path / "active" / "rounds"
    assert [recipe.model.name for recipe in recipes] == ["demo/tiny-bert", str(rounds / "001"), str(rounds / "002")]
    assert [recipe.model.initialization for recipe in recipes] == ["random", "pretrained", "pretrained"]
    assert not rounds.exists()


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
    for point in (2, 5):  # labels of the seed set, the second model
        folder = tmp_path / str(point)
        with pytest.raises(ChildError, match="ended with -9"):
            run_processes(1, killed_at, str(folder), str(home / "cache"), point)
        assert not (folder / "report.json").exists()
        ended = learn(folder)
        assert rounds(folder) == expected
        assert ended.labels == whole[0].labels


def test_memory_stays_flat_over_fifty_rounds(tmp_path):
    write_rows(tmp_path / "rows.csv", sentences(80))
    used, process = [], psutil.Process()
    settings = {
        **{"data": {"name": None, "train": str(tmp_path / "rows.csv")}, "active.strategy": "badge"},
        **{"active.query_size": 1, "active.seed_size": 4, "active.budget": 56},
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
    with pytest.raises(PlanError, match="the function fails with KeyError: 'anchor'"):
        learn(tmp_path / "raises", unlabelled, labeller=lambda texts: [{}["anchor"]])
    with pytest.raises(PlanError, match="the function fails with TypeError: 'NoneType' object is not iterable"):
        learn(tmp_path / "none", unlabelled, labeller=lambda texts: None)


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


def test_a_loop_may_be_given_more_labels_until_it_has_ended(tmp_path):
    write_rows(tmp_path / "rows.csv", [{"text": row["text"]} for row in sentences(24)])
    unlabelled = {"data": {"name": None, "train": str(tmp_path / "rows.csv")}, "task.labels": ["cooking", "sailing"]}
    asked = []

    def label(texts):
        asked.append(len(texts))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ["sailing" if "sail" in text or "anchor" in text else "cooking" for text in texts]

    def more(settings, folder="run", **arguments):
        return learn(tmp_path / folder, {**unlabelled, **settings}, labeller=label, **arguments)

    with pytest.raises(KeyboardInterrupt):
        more({"active.budget": 10})
    with pytest.raises(RunDirectoryError, match="holds a loop with another recipe"):
        more({"active.query_size": 5}, labels="labels.csv")
    ended = more({"active.budget": 14, "active.stability": 1.0, "active.stability_rounds": 9})
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10, 14]
    assert asked == [6, 4, 4, 4]
    with pytest.raises(
        RunDirectoryError, match=r"has ended \(all 14 labels .* another training.output_dir and give it"
    ):
        more({"active.budget": 18}, labels="labels.csv")
    with pytest.raises(RunDirectoryError, match="this loop has ended, and takes no more labels"):
        more(
            {"active.budget": 14, "active.stability": 1.0, "active.stability_rounds": 9},
            labels="labels.csv",
        )
    further = more({"active.budget": 18}, "further", labels=ended.directory.labels)
    assert further.rounds[0]["labels"] == 14
    assert ended.labels.items() < further.labels.items()


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


def test_images(tmp_path):
    folder = tmp_path / "images"
    for number in range(24):
        name = ("dark", "light")[number % 2]
        place = folder / "train" / name / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number % 2 * 200 + number,) * 3).save(place)
    settings = {
        **{"task": "image-classification", "task.metrics": ["accuracy"], "data.name": str(folder)},
        **{"model.name": "demo/tiny-vit", "data.validation_size": 0.25, "training.precision": "fp32"},
    }
    for fast, strategy in ((True, "badge"), (False, "core_set")):
        words = {"active.fast": fast, "active.strategy": strategy, "active.budget": 10}
        ended = learn(tmp_path / strategy, {**settings, **words})
        assert [record["labels"] for record in ended.rounds] == [0, 6, 10]
        assert ended.outcome.report["data"]["rows"] == {"train": 10, "validation": 6}


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

    head, first_row, *others = file.read_text().replace("sialing", "skip").splitlines()
    corrected = first_row.replace("cooking", "?").replace("sailing", "cooking").replace("?", "sailing")
    file.write_text("\n".join([head, corrected, *others]) + "\n")
    assert "4 rows wait for labels: fill in" in command_line.run("active", str(pool)).out
    log = [json.loads(line) for line in (file.parent / "labels.jsonl").read_text().splitlines()]
    number, _, label = corrected.rpartition(",")
    assert log[3:] == [
        {"id": int(number.partition(",")[0]), "label": label, "by": "to_label-000.csv"},
        {"id": int(others[-1].partition(",")[0]), "skipped": True, "by": "to_label-000.csv"},
    ]
    fill(file.parent / "to_label-001.csv")
    third = command_line.run("active", str(pool))
    assert "1 rows wait" in third.out  # 7 labels, and a budget of 8
    fill(file.parent / "to_label-002.csv")
    last = command_line.run("active", str(pool))
    assert last.status == 0
    assert command_line.report["data"]["rows"] == {"train": 8}  # all labels that the person gave
    assert command_line.report["metrics"] == {}
    assert "models learn from all labels, and nobody measures them" in last.err


def test_labels_of_any_rows_are_taken_from_a_file(command_line, pool):
    rows = sentences(24)
    tasks = [
        {"data": {"text": row["text"]}, "annotations": [{"result": [{"value": {"choices": [row["label"]]}}]}]}
        for row in rows[:8]
    ]
    export = command_line.text("export.json", json.dumps(tasks))
    ending = command_line.run("active", str(pool), "--labels", str(export), "active.budget=9")
    assert f"{export}: 8 labels taken; 0 rows had one already" in ending.err
    assert "round 0: 8 labels, a model; 1 rows chosen by margin" in ending.err
    assert "1 rows wait for labels" in ending.out
    wrong = command_line.text("wrong.csv", "id,label\n20,sailing\n21,boats\n22,cars\n")
    ending = command_line.run("active", str(pool), "--labels", str(wrong), "active.budget=9")
    assert ending.status == 3
    assert ending.said[-1] == (
        f"error: {wrong}:3: expected one of cooking, sailing or skip, found boats. (1 more like it); 1 other labels "
        "were taken"
    )
    log = (command_line.run_directory / "active" / "labels.jsonl").read_text().splitlines()
    assert json.loads(log[-1]) == {"id": 20, "label": "sailing", "by": "wrong.csv"}
    spaced, cut = (f" {rows[number]['text']}".replace(" ", "\n") for number in (11, 12))
    own = [{"id": 11, "text": spaced, "label": "sailing"}, {"id": 13, "text": cut, "label": "cooking"}]
    keys = command_line.rows("keys.csv", own)
    ending = command_line.run("active", str(pool), "--labels", str(keys), "active.budget=9")
    assert "expected the text of the pool's row 13 beside its id, found another; correct" in ending.said[-1]
    assert [
        json.loads(line)["id"]
        for line in (command_line.run_directory / "active" / "labels.jsonl").read_text().splitlines()
    ][-1] == 11


def test_a_loop_over_other_rows_is_refused_and_left_as_it_is(command_line, pool):
    command_line.run("active", str(pool))
    folder = command_line.run_directory / "active"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    command_line.rows("rows.csv", [{"text": f"{row['text']} again"} for row in sentences(24)])
    command_line.rows("scored.csv", sentences(6))
    labels = command_line.text("labels.csv", "id,label\n1,sailing\n")
    scored = f"data.validation={command_line.folder}/scored.csv"
    ending = command_line.run("active", str(pool), scored, "--labels", str(labels))
    assert "holds a loop with another pool" in ending.said[-1]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_it_waits_for_a_file_to_be_filled_in(command_line, pool):
    folder = command_line.run_directory / "active"

    def person():
        for number in (0, 1):
            path = folder / f"to_label-{number:03d}.csv"
            while not path.exists():
                time.sleep(0.02)
            whole = path.read_text()
            path.write_text(whole + '7,"half')  # as a save that is under way
            time.sleep(0.1)
            path.write_text(whole)
            fill(path)

    writer = threading.Thread(target=person)
    writer.start()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hf_efficient.experiments.active.labellers.file.SECONDS_BETWEEN_LOOKS", 0.05)
        ending = command_line.run("active", str(pool), "--wait")
    writer.join()
    assert ending.status == 0
    assert "waiting for 4 labels in" in ending.err
    assert (command_line.run_directory / "report.json").exists()


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("text,label\na,\nb,boat\n", [], "train row 2: column label: expected a class of task.labels"),
        ("text\na\n", [], "expected at least two rows to choose from, found one"),
        ("text,label\na,\nb,\n", ["task.labels="], "task.labels: expected at least two classes to choose from, found"),
        ("text,label\n,\nb,\n", ["data.columns.text=txt"], "data.columns.text: there is no column txt"),
        ("number\n1\n2\n", [], "expected a column named text or sentence, or only one of strings"),
        ("text\na\nb\n", ["active.labeller=simulated"], "A simulation knows all labels; write active.labeller: file"),
        ("text\na\nb\n", ["active.target=0.9"], "active.target can't take effect without rows to score; name"),
        (
            "text\na\nb\n",
            ["training.metric_for_best_model=accuracy"],
            "training.metric_for_best_model can't take effect without rows to score",
        ),
        ("text\na\nb\n", ["data.validation_size=0.2"], "data.validation_size can't take effect without rows to score"),
    ],
)
def test_a_pool_that_can_t_be_used_is_one_line(command_line, pool, text, settings, message):
    command_line.text("rows.csv", text)
    ending = command_line.run("active", str(pool), *settings)
    assert ending.status in (2, 3)
    assert message in ending.err
    assert "Traceback" not in ending.err


def test_labels_that_the_rows_have_count_and_rows_that_are_scored_are_counted(command_line, pool):
    rows = sentences(24)
    given = [{"text": row["text"], "label": row["label"] if number < 5 else ""} for number, row in enumerate(rows)]
    command_line.rows("rows.csv", [*given, *given[10:13]])
    command_line.rows("scored.csv", rows[20:])
    ending = command_line.run("active", str(pool), f"data.validation={command_line.folder}/scored.csv")
    assert "4 rows of the pool are also scored, which flatters the metric" in ending.err
    assert "3 rows of the pool have the text of another one, and are not asked for" in ending.err
    assert "round 0: 5 labels, a model, accuracy" in ending.err
    assert "3 rows wait for labels" in ending.out


def test_finetune_refuses_a_recipe_that_chooses_rows(command_line, pool):
    ending = command_line.run("finetune", str(pool))
    assert ending.status == 2
    assert f"{pool}:5: active chooses rows for people to label: run `hf-efficient active` instead." in ending.err
