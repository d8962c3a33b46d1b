from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from transformers import BertConfig

from hf_efficient import tasks
from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.losses import Batch
from hf_efficient.recipe import Columns, DataSection, TaskSection
from tests.unit.data.tokenizer import tiny_tokenizer

pytestmark = pytest.mark.usefixtures("own_cache")

PLACE = "a.yaml:2: {}".format
ROWS = Dataset.from_dict({"length": [3]})


def learn(values, columns=None, *, extra=None, **words):
    names = values if isinstance(values, dict) else {"label": values}
    count = len(next(iter(names.values())))
    table = Dataset.from_dict({"text": ["good film"] * count, **names, **(extra or {})})
    data = DataSection(columns=columns or Columns())
    return tasks.learn(TaskSection(**words), data, DatasetDict({"train": table}), PLACE)


def encode(task, **columns):
    table = Dataset.from_dict({"text": ["good", "bad film"], **columns})
    return task.encode(table, tiny_tokenizer(), max_length=8, truncation=True, split="validation").dataset


def batch_of(task, rows):
    return task.collator(tiny_tokenizer())(list(rows))


@pytest.mark.parametrize(
    ("labels", "problem", "config"),
    [
        (["neg", "pos"], "single_label", {"num_labels": 2, "id2label": {0: "neg", 1: "pos"}}),
        ([7, 3, 9], "single_label", {"num_labels": 3, "id2label": {0: "3", 1: "7", 2: "9"}}),
        ([True, False], "single_label", {"num_labels": 2, "id2label": {0: "False", 1: "True"}}),
        ([["a"], ["b", "a"]], "multi_label", {"num_labels": 2, "id2label": {0: "a", 1: "b"}}),
        ([0.5, 2.0], "regression", {"num_labels": 1}),
    ],
)
def test_the_problem_is_told_from_the_labels(labels, problem, config):
    task = learn(labels)
    assert task.problem == problem
    problem_type = problem if problem == "regression" else f"{problem}_classification"
    found = task.config()
    assert found.pop("label2id", None) == (
        {name: index for index, name in config["id2label"].items()} if "id2label" in config else None
    )
    assert found == {**config, "problem_type": problem_type}


def test_the_recipe_can_ask_for_a_regression_over_integers():
    assert learn([1, 2], problem="regression").problem == "regression"


def test_several_columns_of_labels():
    task = learn({"toxic": [0, 1], "rude": [1, 1]}, Columns(label=("toxic", "rude")))
    assert (task.problem, task.classes) == ("multi_label", ("toxic", "rude"))


@pytest.mark.parametrize(
    ("labels", "columns", "expected", "dtype"),
    [
        (["pos", "neg"], {"label": ["neg", "pos"]}, [0, 1], torch.long),
        ([["a"], ["b"]], {"label": [["b"], []]}, [[0.0, 1.0], [0.0, 0.0]], torch.float),
        ([0.5, 2.0], {"label": [1.5, 2.5]}, [1.5, 2.5], torch.float),
    ],
)
def test_a_batch_is_what_the_model_takes_and_the_labels(labels, columns, expected, dtype):
    task = learn(labels)
    batch = batch_of(task, encode(task, **columns))
    assert set(batch) == {"input_ids", "token_type_ids", "attention_mask", "labels"}
    assert batch["input_ids"].tolist() == [[2, 4, 3, 0], [2, 5, 6, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["labels"].dtype == dtype
    assert batch["labels"].tolist() == expected


def test_rows_bring_their_length_and_weight():
    task = learn(["a", "b"], Columns(weight="weight"), extra={"weight": [1, 2]})
    rows = encode(task, label=["a", "b"], weight=[1, 3])
    assert rows["length"][:] == [3, 4]
    batch = batch_of(task, rows)
    assert batch["sample_weight"].dtype == torch.float
    assert batch["sample_weight"].tolist() == [1.0, 3.0]
    assert "sample_weight" not in encode(task, label=["a", "b"]).column_names


def test_pairs_and_splits_without_labels():
    pairs = {"train": Dataset.from_dict({"text": ["a"] * 2, "second": ["film"] * 2, "label": ["x", "y"]})}
    columns = Columns(text="text", text_pair="second")
    task = tasks.learn(TaskSection(), DataSection(columns=columns), DatasetDict(pairs), PLACE)
    rows = encode(task, second=["a", "film"])
    assert rows["input_ids"][:] == [[2, 4, 3, 7, 3], [2, 5, 6, 3, 6, 3]]
    assert rows["token_type_ids"][:] == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1]]
    assert "labels" not in rows.column_names
    assert "labels" not in batch_of(task, rows)


def test_hidden_labels_are_left_out():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
    train = Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]}, features=features)
    task = tasks.learn(TaskSection(), DataSection(), DatasetDict({"train": train}), PLACE)
    hidden = Dataset.from_dict({"text": ["x"], "label": [-1]}, features=features)
    rows = task.encode(hidden, tiny_tokenizer(), max_length=8, truncation=True, split="test").dataset
    assert "labels" not in rows.column_names


@pytest.mark.parametrize(
    ("labels", "given", "weights"),
    [
        (["a", "a", "a", "b"], "balanced", (4 / 6, 2.0)),
        (["a", "a", "a", "b"], {"b": 5.0}, (0.5, 2.5)),
        (["a", "a", "a", "b"], {"a": 1.0, "b": 0.0}, (4 / 3, 0.0)),
        ([["a"], ["a"], ["a", "b"]], "balanced", (0.5, 1.5)),
    ],
)
def test_class_weights_have_a_mean_of_one(labels, given, weights):
    assert learn(labels, class_weights=given).class_weights == pytest.approx(weights)


def test_a_class_without_training_rows_leaves_the_others_balanced():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b", "none"])})
    train = Dataset.from_dict({"text": ["x"] * 4, "label": [0, 0, 0, 1]}, features=features)
    task = tasks.learn(TaskSection(class_weights="balanced"), DataSection(), DatasetDict({"train": train}), PLACE)
    assert np.dot(task.class_weights[:2], [3, 1]) == pytest.approx(4)
    assert task.class_weights[1] / task.class_weights[0] == pytest.approx(3)


def test_the_loss_has_the_class_weights():
    task = learn(["a", "a", "a", "b"], class_weights={"b": 5.0})
    labels = torch.tensor([0, 1])
    rows = task.loss().rows(Batch({}, {"labels": labels}, {"logits": torch.zeros(2, 2)}))
    assert rows.values.tolist() == pytest.approx([0.5 * np.log(2), 2.5 * np.log(2)])


def test_the_loss_smooths_one_label_a_row_only():
    assert learn(["a", "b"]).loss(label_smoothing=0.1).name == "labels"
    with pytest.raises(PlanError, match="label_smoothing_factor"):
        learn([1.0, 2.0]).loss(label_smoothing=0.1)


@pytest.mark.parametrize(
    ("labels", "words", "error", "said"),
    [
        (["a", "a"], {}, DataError, "^train: expected at least two classes, found a in all 2 rows$"),
        (["a", None], {}, DataError, "^train row 2: column label: expected a label"),
        (
            [["a"], ["b"]],
            {"problem": "single_label"},
            PlanError,
            "task.problem: single_label does not fit .* several labels",
        ),
        (
            ["a", "b"],
            {"problem": "multi_label"},
            PlanError,
            "task.problem: multi_label does not fit .* one label a row",
        ),
        (
            ["a", "b"],
            {"problem": "regression"},
            DataError,
            "^train row 1: a regression expects numbers as labels, found 'a'$",
        ),
        ([1.0, 2.0], {"labels": ("a", "b")}, PlanError, "a.yaml:2: task.labels: a regression has no classes; remove"),
        (
            [1.0, 2.0],
            {"class_weights": "balanced"},
            PlanError,
            "task.class_weights: a regression has no classes; remove",
        ),
        (
            ["a", "b"],
            {"threshold": 0.4},
            PlanError,
            "task.threshold: only a multi-label problem has a threshold; remove it",
        ),
        (
            ["a", "b"],
            {"labels": ("a", "c")},
            PlanError,
            "a.yaml:2: task.labels: expected the classes of the data, a, b;",
        ),
        (
            ["pos", "neg"],
            {"class_weights": {"poz": 1.0}},
            RecipeError,
            r"poz is no class .*neg, pos.*Did you mean pos\?",
        ),
        (["a", "b"], {"class_weights": {"a": 0.0, "b": 0.0}}, RecipeError, "expected a weight above 0, found only 0"),
        (
            ["a", "b"],
            {"metrics": ("acuracy",)},
            RecipeError,
            r"task.metrics: acuracy is no metric .*Did you mean accuracy\?",
        ),
        (
            ["a", "b", "c"],
            {"metrics": ("f1",)},
            PlanError,
            "task.metrics: f1 does not fit a single_label problem with 3 labels",
        ),
        (
            ["a", "b"],
            {"metrics": ("mse",)},
            PlanError,
            "mse does not fit a single_label problem with 2 labels; use any of acc",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(labels, words, error, said):
    with pytest.raises(error, match=said) as raised:
        learn(labels, **words)
    assert "\n" not in str(raised.value)


def test_labels_unseen_in_training():
    with pytest.raises(DataError, match=r"^validation: .* found c \(1 row\)"):
        encode(learn(["a", "b"]), label=["a", "c"])


def prediction(logits, labels):
    return SimpleNamespace(predictions=np.array(logits), label_ids=np.array(labels))


def test_metrics_of_one_label_skip_rows_without_one():
    task = learn(["a", "b"], metrics=("accuracy", "f1"))
    scores = task.compute_metrics(prediction([[1, 0], [0, 1], [0, 1]], [0, 1, -100]))
    assert scores == {"accuracy": 1.0, "f1": 1.0}


def test_metrics_of_several_labels_follow_the_threshold():
    # The probabilities are 0.5 and 0.73.
    logits, labels = [[0.0, 1.0]], [[0.0, 1.0]]
    several = [["a"], ["b"]]
    assert learn(several, metrics=("accuracy",)).compute_metrics(prediction(logits, labels)) == {"accuracy": 0.0}
    higher = learn(several, metrics=("accuracy",), threshold=0.6)
    assert higher.compute_metrics(prediction(logits, labels)) == {"accuracy": 1.0}


def test_metrics_of_numbers_and_of_models_that_return_more():
    task = learn([1.0, 2.0])
    several = SimpleNamespace(predictions=(np.array([[1.0], [2.0]]), np.zeros(3)), label_ids=np.array([1.0, 3.0]))
    scores = task.compute_metrics(several)
    assert scores == {"pearsonr": pytest.approx(1.0), "spearmanr": pytest.approx(1.0), "mse": pytest.approx(0.5)}
    assert [task.greater_is_better(name) for name in task.metric_names] == [True, True, False]


def test_predictions_for_people():
    logits = np.log([[0.25, 0.75]])
    (one,) = learn(["a", "b"]).predictions(logits, ROWS)
    assert one == {"label": "b", "score": pytest.approx(0.75)}
    (several,) = learn([["a"], ["b"]]).predictions(np.array([[0.0, -1.0]]), ROWS)
    assert several["labels"] == ["a"]
    assert several["scores"] == {"a": pytest.approx(0.5), "b": pytest.approx(1 / (1 + np.e))}
    assert learn([1.0, 2.0]).predictions(np.array([[1.5]]), ROWS) == [{"score": 1.5}]


@pytest.mark.parametrize("labels", [["neg", "pos"], [["a"], ["b"]], [0.5, 2.0]])
def test_a_trained_model_brings_its_task_back(labels):
    task = learn(labels)
    config = BertConfig(**task.config())
    table = Dataset.from_dict({"text": ["good"], "label": labels[:1]})
    assert tasks.restore(TaskSection(), DataSection(), table, config, PLACE) == task


def test_a_model_that_was_not_fine_tuned_has_no_task():
    table = Dataset.from_dict({"text": ["good"]})
    with pytest.raises(PlanError, match=r"expected a problem_type in config.json"):
        tasks.restore(TaskSection(), DataSection(), table, BertConfig(), PLACE)
