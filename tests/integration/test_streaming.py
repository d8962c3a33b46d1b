"""Rows that stream, from words to report: what is taken, what is refused, and what is said of a bad row."""

from __future__ import annotations

import json
import pickle

import datasets
import pyarrow as pa
import pytest

from hf_efficient.data import file_stream
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.score import evaluate_run, load_run
from tests.integration import command_line as command_line_module
from tests.integration.command_line import CLASSES, sentences, write_rows
from tests.tiny_writers import save_llama

STREAM = ("data.streaming=true", "training.max_steps=6", "data.shuffle_buffer=8")
LABELS = "task.labels=[cooking, sailing]"


@pytest.fixture
def command_line(command_line, monkeypatch):
    """The command line, whose recipe counts no epochs."""
    recipe = command_line_module.RECIPE.replace("  num_train_epochs: 1\n", "")
    monkeypatch.setattr(command_line_module, "RECIPE", recipe)
    return command_line


@pytest.fixture
def stream(command_line):
    """A function that streams `rows.csv`, scored on `valid.csv`."""
    valid = command_line.rows("valid.csv", sentences(6))

    def stream(*settings, command="finetune"):
        words = (*STREAM, f"data.validation={valid}", *settings)
        return command_line.run(command, str(command_line.recipe()), *words)

    return stream


def test_a_streamed_run_reports_what_was_measured(stream, command_line):
    ending = stream(LABELS)
    assert (ending.status, ending.said) == (0, [])
    assert "streamed train, 6 validation" in " ".join(ending.out.split())
    report, log = command_line.report, command_line.log
    assert report["data"]["rows"] == {"train": None, "validation": 6}
    assert report["training"]["epochs"] is None
    assert report["training"]["steps"] == 6
    assert report["training"]["rows_per_second"] == pytest.approx(24 / report["training"]["seconds"])
    assert [record["step"] for record in log if "eval_loss" in record] == [1, 2, 3, 4, 5, 6]
    assert all("epoch" not in record for record in log)
    assert "Epochs: not measured" in (command_line.run_directory / "report.md").read_text()
    run = load_run(command_line.run_directory)
    assert evaluate_run(run).metrics == report["metrics"]["validation"]
    again = stream(LABELS)
    assert (again.status, again.said) == (0, [])
    assert "Accuracy" in again.out


def test_training_rows_that_streamed_are_not_scored_as_a_split(stream, command_line):
    stream(LABELS)
    ending = command_line.run("evaluate", str(command_line.run_directory), "--split", "train")
    assert (ending.status, ending.said) == (
        2,
        ["error: split: the run's training rows were streamed; say with --data which ones to score."],
    )


def test_explain_says_what_nobody_knows(stream):
    ending = stream(LABELS, "training.eval_steps=3", command="explain")
    assert ending.status == 0, ending.err
    words = " ".join(ending.out.split())
    assert "streamed train, 6 validation" in words
    assert "steps 6 schedule" in words


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_row_is_named_by_its_file(workers, stream, command_line):
    rows = [{**row, "label": "cokking"} if number == 12 else row for number, row in enumerate(sentences(20))]
    command_line.rows("rows.csv", rows)
    ending = stream(LABELS, f"training.dataloader_num_workers={workers}")
    assert ending.status == 3
    assert ending.said == [
        f"error: {command_line.folder}/rows.csv row 13: expected the classes of task.labels or of the training rows, "
        "cooking, sailing; found cokking (1 row); correct task.labels or the rows, or drop them. Did you mean cooking?"
    ]


def test_a_row_without_a_label(stream, command_line):
    rows = "".join(json.dumps({**row, "label": None} if i == 7 else row) + "\n" for i, row in enumerate(sentences(20)))
    ending = stream(LABELS, f"data.train={command_line.text('rows.jsonl', rows)}")
    assert (ending.status, len(ending.said)) == (3, 1)
    assert "row 8: column label: expected a label, found none" in ending.said[0]


def test_classes_are_to_be_named(stream):
    ending = stream()
    assert ending.status == 2
    assert ending.said == [
        "error: default: task.labels: the classes of a stream can't be learnt from rows that are still to be read; "
        "name all of them (the first 20 rows have cooking, sailing)"
    ]


def test_rows_to_score_are_to_be_named(command_line):
    ending = command_line.finetune(*STREAM, LABELS)
    assert ending.status == 2
    assert ending.said == [
        "error: command line: data.streaming: no rows of a stream are held out; name those to score, a split or a "
        "file, in data.validation, or set training.eval_strategy: no"
    ]
    assert command_line.finetune(*STREAM, LABELS, "training.eval_strategy=no").status == 0


def test_lists_of_integers_are_refused(stream, command_line):
    rows = [{"text": row["text"], "label": [number % 2]} for number, row in enumerate(sentences(20))]
    ending = stream(LABELS, f"data.train={command_line.rows('rows.jsonl', rows)}")
    assert (ending.status, len(ending.said)) == (3, 1)
    assert "write names or bools, or give each label a column of its own" in ending.said[0]


def plan(folder, task, rows, **sections):
    """The plan of a recipe over rows that are the validation rows too."""
    path = write_rows(folder / "rows.jsonl", rows)
    recipe = Recipe.from_mapping(
        {
            "task": task,
            "model": sections["model"],
            "data": {"train": str(path), "validation": str(path), **sections.get("data", {})},
            "training": {"output_dir": str(folder / "run"), "precision": "fp32", **sections.get("training", {})},
        }
    )
    args, _, scheduler = training_arguments(recipe, RunDirectory.of(recipe))
    return build(recipe, args, scheduler)


BERT = {"name": "demo/tiny-bert", "initialization": "random"}
TASKS = {
    "text-classification": (
        {"labels": list(CLASSES)},
        [{**row, "weight": i % 3} for i, row in enumerate(sentences(9))],
    ),
    "multi-label": (
        {"type": "text-classification", "labels": ["a", "b", "c"]},
        [{"text": f"stir {i}", "label": ["a", "b", "c"][: 1 + i % 3]} for i in range(9)],
    ),
    "regression": ({"type": "text-classification"}, [{"text": f"stir {i}", "label": i / 2} for i in range(9)]),
    "token-classification": (
        {"labels": ["B-X", "O"]},
        [{"tokens": ["stir", "the", "soup"][: 1 + i % 3], "tags": ["O", "O", "B-X"][: 1 + i % 3]} for i in range(9)],
    ),
    "text2text-generation": ({}, [{"text": "ab" * i, "target": "ba" * (i + 1)} for i in range(9)]),
    "text-generation": ({}, [{"text": "a" * (i + 1)} for i in range(9)]),
    "completions": (
        {"type": "text-generation"},
        [{"prompt": "a" * (i + 1), "completion": "b" * (i + 1)} for i in range(9)],
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_streamed_row_is_encoded_as_a_loaded_one(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    words, rows = TASKS[name]
    task = {"type": name, **words}
    model = BERT | ({"name": "demo/tiny-t5"} if name == "text2text-generation" else {})
    if task["type"] == "text-generation":
        model = {"name": save_llama(tmp_path / "llama")}
    columns = {"columns": {"weight": "weight"}} if "weight" in rows[0] else {}
    packing = {"packing": False} if task["type"] == "text-generation" else {}
    eager = plan(tmp_path, task, rows, model=model, data=columns | packing)
    streaming = {"streaming": True, "shuffle_buffer": 1}
    training = {"max_steps": 4, "per_device_train_batch_size": 4}
    streamed = plan(tmp_path, task, rows, model=model, data=columns | streaming, training=training)
    assert len(streamed.train_dataset) == 16
    found = streamed.train_dataset.__getitems__([0, 1, 2]) + streamed.train_dataset.__getitems__(list(range(3, 9)))
    assert found == eager.train_dataset.to_list()
    assert streamed.train_dataset[9] == found[0]
    assert pickle.loads(pickle.dumps(streamed.train_dataset))[1] == found[1]  # as workers get it that are not forked
    assert streamed.task.config() == eager.task.config()


def test_a_data_set_of_the_hub_streams_with_its_own_classes(command_line, monkeypatch):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(CLASSES))})
    rows = datasets.Dataset.from_list(sentences(20)).cast(features)
    splits = {"train": rows.to_iterable_dataset(num_shards=3), "validation": rows.to_iterable_dataset()}
    asked = []

    def load_dataset(*names, **settings):
        asked.append(settings)
        return datasets.IterableDatasetDict(splits)

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    settings = ("data.train=", "data.name=me/rows", "training.dataloader_num_workers=2")
    ending = command_line.finetune(*STREAM, *settings)
    assert (ending.status, ending.said) == (0, [])
    assert all(settings["streaming"] for settings in asked)
    assert command_line.report["task"]["labels"] == list(CLASSES)
    assert command_line.report["data"]["rows"] == {"train": None, "validation": 20}


def test_a_stream_holds_a_buffer_in_memory_and_not_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(file_stream, "_BLOCK", 10_000)  # pyarrow 26 reads 32 of them ahead
    rows = [{"text": f"{row['text']} {'la ' * 100}", "label": row["label"]} for row in sentences(20_000)]
    held = {}
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        training = {"max_steps": 10_000, "per_device_train_batch_size": 8, "eval_strategy": "no"}
        data = {"streaming": True, "shuffle_buffer": 500}
        streamed = plan_of_file(folder, rows[:count], data, training).train_dataset
        before, most = pa.total_allocated_bytes(), 0
        for position in range(0, count, 100):
            streamed.__getitems__([position])
            most = max(most, pa.total_allocated_bytes() - before)
        held[count] = most
    assert 0 < held[20_000] < 1.2 * held[2_000]
    assert held[20_000] < (tmp_path / "20000" / "rows.csv").stat().st_size / 4


def plan_of_file(folder, rows, data, training):
    """The plan of a run over a csv file, with nothing to score."""
    recipe = Recipe.from_mapping(
        {
            "task": {"type": "text-classification", "labels": list(CLASSES)},
            "model": BERT,
            "data": {"train": str(write_rows(folder / "rows.csv", rows)), **data},
            "training": {"output_dir": str(folder / "run"), "precision": "fp32", **training},
        }
    )
    args, _, scheduler = training_arguments(recipe, RunDirectory.of(recipe))
    return build(recipe, args, scheduler)


def test_the_batch_fitter_keeps_the_rows_of_a_step(stream, command_line):
    fitted = "training.per_device_train_batch_size=auto"
    ending = stream(LABELS, "training.effective_batch_size=8", fitted, "training.dataloader_num_workers=1")
    assert (ending.status, ending.said) == (0, [])
    assert command_line.report["training"]["effective_batch_size"] == 8
    fitted_losses = command_line.losses
    other = stream(
        LABELS, "training.per_device_train_batch_size=8", f"training.output_dir={command_line.folder}/by-hand"
    )
    assert other.status == 0
    log = (command_line.folder / "by-hand" / "log.jsonl").read_text().splitlines()
    by_hand = [record["loss"] for record in map(json.loads, log) if "loss" in record]
    assert fitted_losses == pytest.approx(by_hand, rel=1e-6)
