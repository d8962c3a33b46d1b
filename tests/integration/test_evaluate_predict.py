from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from pyarrow import parquet
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from hf_efficient.cli.app import run
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.training.score import evaluate_run, load_run, predict_run
from tests.integration.command_line import write_rows
from tests.processes import run_processes

pytestmark = pytest.mark.usefixtures("own_cache")

TEXTS = [
    "Melt the cheese with butter in a pan.",
    "Sail.",
    "Stir the soup and add a pinch of salt, then chop the onion before you heat the butter in the pan.",
    "The skipper steered the boat into the wind.",
    "Heat the oil.",
]


@dataclass
class Finished:
    """A run that is finished, and its report."""

    path: Path
    report: dict[str, Any]


def finetune(home, name, *words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_EFFICIENT_HOME", str(home / "home"))
        assert run(["finetune", *words, f"training.output_dir={home / name}", "training.save_strategy=no"]) == 0
    return Finished(home / name, json.loads((home / name / "report.json").read_text()))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def smoke(home):
    """The smoke recipe, trained until it is right about its validation rows."""
    return finetune(home, "smoke", "smoke")


def recipe_for(home, name, rows, **settings):
    """A recipe over a few rows, two steps long."""
    path = write_rows(home / f"{name}.jsonl", rows)
    data = {"train": str(path), "validation_size": 0.25, **settings.pop("data", {})}
    training = {"max_steps": 2, "per_device_train_batch_size": 4, "learning_rate": 1e-2}
    recipe = {"model": {"name": "demo/tiny-bert", "initialization": "random"}, "data": data, "training": training}
    target = home / f"{name}.yaml"
    target.write_text(json.dumps({**recipe, **settings}))
    return str(target)


@pytest.fixture(scope="module")
def multi_label(home):
    rows = [{"text": text, "labels": labels} for text in TEXTS for labels in (["hot"], ["hot", "wet"], ["wet"])]
    return finetune(home, "multi", recipe_for(home, "multi_rows", rows))


@pytest.fixture(scope="module")
def regression(home):
    rows = [{"text": text, "label": len(text) / 100} for text in TEXTS * 3]
    return finetune(home, "regression", recipe_for(home, "regression_rows", rows))


@pytest.fixture(scope="module")
def weighted(home):
    """Class weights, label smoothing, another text column, and rows for a test."""
    rows = [{"sentence": text, "kind": "ab"[n % 3 == 0]} for n, text in enumerate(TEXTS * 4)]
    test = write_rows(home / "test_rows.jsonl", rows[:7])
    recipe = recipe_for(
        home,
        "weighted_rows",
        rows,
        task={"class_weights": "balanced"},
        data={"columns": {"text": "sentence", "label": "kind"}, "test": str(test)},
    )
    return finetune(home, "weighted", recipe, "training.label_smoothing_factor=0.1")


@pytest.fixture
def command(capsys):
    """A function that runs a command and gives its status, stdout and stderr."""

    def command(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return command


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def plain_probabilities(path, texts):
    """What plain transformers makes of each text alone."""
    model = AutoModelForSequenceClassification.from_pretrained(path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(path / "model")
    with torch.no_grad():
        rows = [model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1).tolist() for text in texts]
    return [dict(zip(model.config.id2label.values(), row, strict=True)) for row in rows]


# evaluate


def test_the_recipes_own_validation_rows_score_as_in_the_report(smoke, command):
    status, out, err = command("evaluate", smoke.path, "--json")
    assert (status, err) == (0, "")
    scored = json.loads(out)
    assert (scored["rows"], scored["num_rows"]) == ("validation", 16)
    assert scored["metrics"] == pytest.approx(smoke.report["metrics"]["validation"], abs=1e-6)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_weights_and_smoothing_enter_the_loss_as_in_the_report(weighted, split, command):
    _, out, _ = command("evaluate", weighted.path, "--json", "--split", split)
    scored = json.loads(out)
    assert scored["metrics"] == pytest.approx(weighted.report["metrics"][split], abs=1e-6)
    assert scored["notes"] == []


def test_test_rows_come_before_validation_rows(weighted, command):
    assert json.loads(command("evaluate", weighted.path, "--json")[1])["rows"] == "test"


@pytest.mark.parametrize("finished", ["multi_label", "regression"])
def test_every_problem_scores_as_in_the_report(finished, request, command):
    finished = request.getfixturevalue(finished)
    _, out, _ = command("evaluate", finished.path, "--json")
    assert json.loads(out)["metrics"] == pytest.approx(finished.report["metrics"]["validation"], abs=1e-6)


def test_loss_and_accuracy_of_other_rows_are_those_of_plain_transformers(smoke, tmp_path, command):
    labels = ["cooking", "cooking", "cooking", "sailing", "sailing"]
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=True)]
    path = write_rows(tmp_path / "rows.csv", rows)
    probabilities = plain_probabilities(smoke.path, TEXTS)
    losses = [-math.log(row[label]) for row, label in zip(probabilities, labels, strict=True)]
    right = [row[label] > 0.5 for row, label in zip(probabilities, labels, strict=True)]

    _, out, _ = command("evaluate", smoke.path, "--data", path, "--json", "training.per_device_eval_batch_size=2")
    scored = json.loads(out)
    assert scored["metrics"]["loss"] == pytest.approx(sum(losses) / 5, rel=1e-5)
    assert scored["metrics"]["accuracy"] == pytest.approx(sum(right) / 5)
    assert 0 < sum(right) < 5


def test_the_loss_of_other_rows_is_said_to_be_unweighted(weighted, home, command):
    status, out, _ = command("evaluate", weighted.path, "--data", home / "test_rows.jsonl")
    assert status == 0
    assert "the loss is without the class weights of the training rows" in " ".join(out.split())


def test_the_table_is_short_and_readable(smoke, command):
    status, out, err = command("evaluate", smoke.path, "--data", "demo/smoke", "--split", "train", "data.max_length=8")
    assert (status, err) == (0, "")
    words = [" ".join(line.split()) for line in out.splitlines()]
    assert "Rows demo/smoke: 48" in words
    assert "Note 48 of 48 rows were cut to 8 tokens" in words
    assert any(line.startswith("Macro F1 0.") or line == "Macro F1 1.0000" for line in words)


def test_only_the_chosen_metrics_are_shown(smoke, command):
    _, out, _ = command("evaluate", smoke.path, "--json", "task.metrics=[f1_macro]")
    assert list(json.loads(out)["metrics"]) == ["loss", "f1_macro"]


# predict


def test_predictions_are_those_of_plain_transformers_in_the_order_of_the_rows(smoke, tmp_path, command):
    rows = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]
    path = write_rows(tmp_path / "rows.csv", rows)
    status, out, err = command("predict", smoke.path, "--data", path, "training.per_device_eval_batch_size=2")
    assert (status, err) == (0, "")
    predicted = lines(out)
    assert [{"id": row["id"], "text": row["text"]} for row in predicted] == rows
    for row, probabilities in zip(predicted, plain_probabilities(smoke.path, TEXTS), strict=True):
        assert list(row) == ["id", "text", "prediction", "score"]
        assert row["prediction"] == max(probabilities, key=probabilities.get)
        assert row["score"] == pytest.approx(max(probabilities.values()), abs=1e-5)


def on_two_processes(path, rows, home):
    os.environ["HF_EFFICIENT_HOME"] = home
    outputs = []
    for command, *options in (["predict"], ["evaluate", "--json"]):
        said = io.StringIO()
        with redirect_stdout(said):
            assert run([command, path, "--data", rows, *options, "training.per_device_eval_batch_size=2"]) == 0
        outputs.append(said.getvalue())
    return outputs


def test_two_processes_give_each_row_once_and_in_order(smoke, tmp_path, command):
    rows = write_rows(tmp_path / "rows.csv", [{"text": text, "label": "cooking"} for text in TEXTS])
    first, second = run_processes(2, on_two_processes, str(smoke.path), str(rows), str(tmp_path / "cache"))
    assert second == ["", ""]
    predicted, scored = lines(first[0]), json.loads(first[1])
    alone = lines(command("predict", smoke.path, "--data", rows)[1])
    assert [row["text"] for row in predicted] == TEXTS
    assert [row["score"] for row in predicted] == pytest.approx([row["score"] for row in alone], abs=1e-5)
    loss = -sum(math.log(row["cooking"]) for row in plain_probabilities(smoke.path, TEXTS)) / 5
    assert scored["num_rows"] == 5
    assert scored["metrics"]["loss"] == pytest.approx(loss, rel=1e-5)


def test_texts_come_from_the_command_line_too(weighted, command):
    _, out, _ = command("predict", weighted.path, "--text", "a soup", "--text", "a sail")
    assert [row["sentence"] for row in lines(out)] == ["a soup", "a sail"]
    assert all(row["prediction"] in ("a", "b") for row in lines(out))


def test_labels_of_the_rows_are_kept_and_not_read(weighted, tmp_path, command):
    labelled = write_rows(tmp_path / "a.jsonl", [{"sentence": "a soup", "kind": "never seen"}])
    unlabelled = write_rows(tmp_path / "b.jsonl", [{"sentence": "a soup"}])
    (one,) = lines(command("predict", weighted.path, "--data", labelled)[1])
    (other,) = lines(command("predict", weighted.path, "--data", unlabelled)[1])
    assert one.pop("kind") == "never seen"
    assert one == other


def test_several_labels_a_row_have_a_score_each(multi_label, command):
    _, out, _ = command("predict", multi_label.path, "--text", "hot soup", "task.threshold=0.01")
    (row,) = lines(out)
    assert list(row) == ["text", "prediction", "scores"]
    assert row["prediction"] == list(row["scores"]) == ["hot", "wet"]
    (strict,) = lines(command("predict", multi_label.path, "--text", "hot soup", "task.threshold=0.99")[1])
    assert strict == {**row, "prediction": []}


def test_a_regression_predicts_a_number(regression, command):
    (row,) = lines(command("predict", regression.path, "--text", "hot soup")[1])
    assert list(row) == ["text", "prediction"]
    assert isinstance(row["prediction"], float)


@pytest.mark.parametrize("finished", ["smoke", "multi_label", "regression"])
def test_every_format_holds_the_same_rows(finished, request, tmp_path, command):
    path = request.getfixturevalue(finished).path
    rows = write_rows(tmp_path / "rows.jsonl", [{"text": 'a, "b"\nc', "n": 1}, {"text": "ä", "n": None}])
    files = {suffix: tmp_path / f"out/p{suffix}" for suffix in (".jsonl", ".csv", ".parquet")}
    for file in files.values():
        status, out, err = command("predict", path, "--data", rows, "--output", file)
        assert (status, out, err) == (0, f"Wrote 2 predictions to {file}\n", "")
    expected = lines(files[".jsonl"].read_text(encoding="utf-8"))
    assert expected == lines(command("predict", path, "--data", rows)[1])
    assert parquet.read_table(files[".parquet"]).to_pylist() == expected
    with files[".csv"].open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["text"] for row in cells] == ['a, "b"\nc', "ä"]
    assert [row["n"] for row in cells] == ["1", ""]
    last = list(expected[0])[-1]
    written = [row[last] if isinstance(row[last], dict) else str(row[last]) for row in expected]
    assert [json.loads(row[last]) if last == "scores" else row[last] for row in cells] == written
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["p.csv", "p.jsonl", "p.parquet"]


def test_a_file_is_overwritten_only_by_force(smoke, tmp_path, command):
    output = tmp_path / "p.jsonl"
    output.write_text("precious\n")
    arguments = ("predict", smoke.path, "--text", "soup", "--output", output)
    status, out, err = command(*arguments)
    assert (status, out) == (1, "")
    assert err == f"error: {output} exists; name another file with --output, or overwrite it with --force.\n"
    assert output.read_text() == "precious\n"
    assert command(*arguments, "--force")[0] == 0
    assert lines(output.read_text())[0]["text"] == "soup"


def test_a_file_that_can_not_be_written_leaves_nothing(smoke, tmp_path, command):
    (tmp_path / "file").write_text("")
    status, out, err = command("predict", smoke.path, "--text", "soup", "--output", tmp_path / "file/p.csv")
    assert (status, out) == (1, "")
    assert "p.csv: can't be written: " in err


def test_cut_rows_are_said_beside_the_predictions(smoke, command):
    status, out, err = command("predict", smoke.path, "--text", "soup and bread", "data.max_length=4")
    assert (status, len(lines(out))) == (0, 1)
    assert err == "note: 1 of 1 rows were cut to 4 tokens\n"


def test_python_takes_texts_and_rows(smoke):
    from datasets import Dataset

    finished = load_run(smoke.path)
    texts = predict_run(finished, TEXTS).table
    rows = predict_run(finished, Dataset.from_dict({"text": TEXTS})).table
    assert texts.to_list() == rows.to_list()
    labels = [row["prediction"] for row in texts.to_list()]
    scored = evaluate_run(finished, Dataset.from_dict({"text": TEXTS, "label": labels}))
    assert (scored.metrics["accuracy"], scored.rows, scored.num_rows) == (1.0, "data", 5)
    with pytest.raises(DataError, match="data: expected rows, found none"):
        predict_run(finished, [])


def test_pairs_are_not_made_of_single_texts(smoke):
    finished = load_run(smoke.path, ["data.columns.text_pair=b"])
    with pytest.raises(DataError, match="takes pairs of texts"):
        predict_run(finished, ["a"])


# both


def snapshot(path):
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in path.rglob("*")}


def test_the_run_directory_stays_as_it_is(smoke, command):
    before = snapshot(smoke.path)
    assert command("evaluate", smoke.path)[0] == 0
    assert command("predict", smoke.path, "--text", "soup")[0] == 0
    assert snapshot(smoke.path) == before


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--data", "{folder}/none.csv"], 2, "none.csv: there is no such file. Did you mean one.csv?"),
        (["--data", "{folder}/other.csv"], 3, "expected a column named text or sentence, or only one of strings"),
        (["--data", "{folder}/one.csv", "data.columns.text=txt"], 2,
         "there is no column txt, only text, label. Did you mean text? Name it in the command"),
        (["--data", "{folder}/one.csv", "data.columns.label=lable"], 2, "Did you mean label?"),
        (["--data", "{folder}/unseen.csv"], 3,
         "of task.labels or of the training rows, cooking, sailing; found flying (2 rows)"),
        (["--data", "{folder}/unlabelled.csv"], 3, "unlabelled.csv: expected labels to score, found none in text;"),
        (["--data", "demo/smoke", "--split", "tset"], 2, "tset is neither a split nor a file"),
        (["--split", "tset"], 2, "split: the run has no rows tset, only train, validation."),
        (["training.learning_rate=1"], 2, "training.learning_rate has no effect on a model that is trained"),
        (["training.learning_rat=1"], 2, "is not a setting. Did you mean training.learning_rate?"),
        (["task.threshold=0.4"], 2, "task.threshold has no effect: only a multi-label model has a threshold"),
        (["--data", "demo/smoke", "task.metrics=[mse]"], 2, "command line: task.metrics: mse does not fit"),
        (["--data", "demo/smoke", "data.columns.weight=w"], 2, "or `data.columns.weight=` for none."),
        (["data.max_length=1000"], 2, "expected at most 64, the positions of this bert model; found 1000"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(arguments, status, said, smoke, tmp_path, command):
    write_rows(tmp_path / "one.csv", [{"text": "a soup", "label": "cooking"}])
    write_rows(tmp_path / "other.csv", [{"a": "a soup", "b": "hot", "label": "cooking"}])
    write_rows(tmp_path / "unseen.csv", [{"text": "a", "label": label} for label in ("cooking", "flying", "flying")])
    write_rows(tmp_path / "unlabelled.csv", [{"text": "a soup"}])
    words = [argument.format(folder=tmp_path) for argument in arguments]
    found, out, err = command("evaluate", smoke.path, *words)
    assert (found, out) == (status, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "give either --data or --text"),
        (["--text", "a", "--data", "b.csv"], 2, "give either --data or --text"),
        (["--text", "a", "--split", "test"], 2, "--split is one of --data's"),
        (["--text", "a", "--force"], 2, "--force has no effect without --output"),
        (["--text", "a", "--output", "p.jsnl"], 2, "expected a file ending in .jsonl, .csv, .parquet. Did you mean"),
    ],
)
def test_idle_and_missing_options_are_refused(arguments, status, said, smoke, command):
    found, out, err = command("predict", smoke.path, *arguments)
    assert (found, out) == (status, "")
    assert said in err


def test_predictions_do_not_replace_a_column(smoke, tmp_path, command):
    path = write_rows(tmp_path / "rows.csv", [{"text": "a soup", "score": "1"}])
    status, _, err = command("predict", smoke.path, "--data", path, "data.columns.text=text")
    assert status == 3
    assert err == f"error: {path}: the predictions need the column score, which is there already; rename it.\n"


@pytest.mark.parametrize("name", ["evaluate", "predict"])
def test_only_a_finished_run_can_be_used(name, smoke, tmp_path, command):
    words = ("--text", "a") if name == "predict" else ()
    status, _, err = command(name, tmp_path / "nowhere", *words)
    assert (status, "found no recipe.yaml in it; check the path." in err) == (1, True)
    (tmp_path / "half").mkdir()
    shutil.copy(smoke.path / "recipe.yaml", tmp_path / "half/recipe.yaml")
    status, _, err = command(name, tmp_path / "half", *words)
    assert (status, "expected a finished run, found no model/; run `hf-efficient finetune" in err) == (1, True)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_model_is_one_line(name, smoke, tmp_path, command):
    shutil.copytree(smoke.path, tmp_path / "run")
    file = tmp_path / "run/model" / name
    file.write_bytes(file.read_bytes()[:100])
    status, out, err = command("predict", tmp_path / "run", "--text", "a")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"{tmp_path / 'run/model'}: the model of a finished run can't be " in err


def test_rows_that_changed_since_training_are_noticed(home, tmp_path):
    rows = [{"text": text, "label": "ab"[n % 2]} for n, text in enumerate(TEXTS * 2)]
    finished = finetune(home, "changed", recipe_for(home, "changed_rows", rows))
    write_rows(home / "changed_rows.jsonl", [{**row, "label": row["label"] + "2"} for row in rows])
    with pytest.raises(DataError, match="the classes that the model was trained on, a, b; the recipe's rows have a2"):
        evaluate_run(load_run(finished.path))


def test_an_unknown_split_of_the_recipe_is_named(smoke):
    with pytest.raises(RecipeError, match=r"split: the run has no rows validate, only .* Did you mean validation\?"):
        evaluate_run(load_run(smoke.path), split="validate")
