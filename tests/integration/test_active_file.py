"""Active learning where a person labels in a file."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.integration.command_line import WORDS, sentences


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
    assert "1 row waits" in third.out  # 7 labels, and a budget of 8
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
    assert "1 row waits for its label" in ending.out
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


def test_it_waits_for_a_file_to_be_filled_in(command_line, pool, monkeypatch):
    """After the first look at a file a save is under way, after the second it is filled in."""
    folder, looks = command_line.run_directory / "active", []

    def person(seconds):
        path = max(folder.glob("to_label-*.csv"))
        looks.append(path.name)
        if looks.count(path.name) == 1:
            path.write_text(path.read_text() + '7,"half')
        else:
            path.write_text(path.read_text().removesuffix('7,"half'))
            fill(path)
        assert len(looks) < 9, "it looks on and on"

    monkeypatch.setattr("hf_efficient.experiments.active.labellers.file.time", SimpleNamespace(sleep=person))
    ending = command_line.run("active", str(pool), "--wait")
    assert ending.status == 0
    assert looks == ["to_label-000.csv"] * 2 + ["to_label-001.csv"] * 2
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
