from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from transformers import EvalPrediction

from hf_efficient import tasks
from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.losses import Batch
from hf_efficient.recipe import Columns, DataSection, TaskSection
from tests.unit.data.tokenizer import tiny_tokenizer

pytestmark = pytest.mark.usefixtures("own_cache")

PLACE = "a.yaml:2: {}".format
WORDS = [["good", "films"], ["bad"]]


def learn(tags, *, features=None, **words):
    table = Dataset.from_dict({"tokens": WORDS, "tags": tags}, features=features)
    section = TaskSection(type="token-classification", **words)
    return tasks.learn(section, DataSection(), DatasetDict({"train": table}), PLACE)


def encode(task, tokenizer=None, **columns):
    table = Dataset.from_dict({"tokens": WORDS, **columns})
    return task.encode(table, tokenizer or tiny_tokenizer(), max_length=8, truncation=True, split="validation").dataset


def prediction(logits, labels):
    return EvalPrediction(predictions=np.asarray(logits, dtype=np.float32), label_ids=np.asarray(labels))


def logits_for(decided, num_labels):
    return np.eye(num_labels)[np.asarray(decided)]


@pytest.mark.parametrize(
    ("tags", "problem", "classes"),
    [
        ([["ADJ", "NOUN"], ["ADJ"]], "tags", ("ADJ", "NOUN")),
        ([["B-X", "O"], ["I-X"]], "entities", ("B-X", "I-X", "O")),
        ([["I", "B-X"], ["O"]], "tags", ("B-X", "I", "O")),
        ([[10, 9], [9]], "tags", ("9", "10")),
        ([[0, 1], [1]], "tags", ("0", "1")),
    ],
)
def test_problem_and_classes_are_told_from_the_labels(tags, problem, classes):
    task = learn(tags)
    assert (task.problem, task.classes) == (problem, classes)
    assert task.config() == {
        "num_labels": len(classes),
        "id2label": dict(enumerate(classes)),
        "label2id": {name: index for index, name in enumerate(classes)},
    }
    assert task.facts() == {"problem": problem, "labels": list(classes)}
    assert task.metric_names[0] == ("entity_f1" if problem == "entities" else "accuracy")


def test_the_data_sets_own_names_are_the_classes():
    names = ["O", "B-X", "I-X"]
    features = Features({"tokens": List(Value("string")), "tags": List(ClassLabel(names=names))})
    assert learn([[1, 0], [1]], features=features).classes == ("O", "B-X", "I-X")


def test_one_class_is_refused():
    with pytest.raises(DataError, match=r"^train: expected at least two classes, found A in all 2 rows$"):
        learn([["A", "A"], ["A"]])


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (
            {"metrics": ("entity_f1",)},
            PlanError,
            "entity_f1 does not fit a tags problem with 2 labels; use any of accuracy",
        ),
        ({"metrics": ("acuracy",)}, RecipeError, r"Did you mean accuracy\?"),
        ({"labels": ("A", "C")}, PlanError, "expected the classes of the data, A, B; the training rows also have B"),
        ({"class_weights": {"C": 2.0}}, RecipeError, r"a\.yaml:2: task\.class_weights: C is no class"),
    ],
)
def test_settings_that_do_not_fit_the_labels_are_refused(words, error, said):
    with pytest.raises(error, match=said):
        learn([["A", "B"], ["A"]], **words)


def test_labels_stand_on_the_first_token_of_a_word():
    task = learn([["ADJ", "NOUN"], ["ADJ"]])
    rows = encode(task, tags=[["ADJ", "NOUN"], ["NOUN"]])
    # [CLS] good film ##s [SEP] and [CLS] bad [SEP]
    assert rows["labels"][:] == [[-100, 0, 1, -100, -100], [-100, 1, -100]]


def test_rows_without_labels_are_encoded_too():
    assert "labels" not in encode(learn([["ADJ", "NOUN"], ["ADJ"]])).column_names


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_batch_is_padded_on_the_right(side):
    task, tokenizer = learn([["ADJ", "NOUN"], ["ADJ"]]), tiny_tokenizer(padding_side=side)
    rows = encode(task, tokenizer, tags=[["ADJ", "NOUN"], ["NOUN"]])
    batch = task.collator(tokenizer)(list(rows))
    assert sorted(batch) == ["attention_mask", "input_ids", "labels", "token_type_ids"]
    assert batch["input_ids"].tolist() == [[2, 4, 6, 8, 3], [2, 5, 3, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1] * 5, [1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 0, 1, -100, -100], [-100, 1, -100, -100, -100]]
    assert tokenizer.padding_side == side


def test_the_weight_of_a_row_comes_with_it():
    table = Dataset.from_dict({"tokens": WORDS, "tags": [["A", "B"], ["A"]], "n": [0.5, 2.0]})
    data = DataSection(columns=Columns(weight="n"))
    task = tasks.learn(TaskSection(type="token-classification"), data, DatasetDict({"train": table}), PLACE)
    rows = task.encode(table, tiny_tokenizer(), max_length=8, truncation=True, split="train").dataset
    assert task.collator(tiny_tokenizer())(list(rows))["sample_weight"].tolist() == [0.5, 2.0]


def test_class_weights_have_a_mean_of_one_over_the_words():
    # Of three words two are A: n / (classes · n_class) is 3/4 and 3/2, whose mean over the words is 1.
    task = learn([["A", "B"], ["A"]], class_weights="balanced")
    assert task.class_weights == pytest.approx((0.75, 1.5))
    batch = Batch({}, {"labels": torch.tensor([[0, 1, -100]])}, {"logits": torch.zeros(1, 3, 2)})
    ln2 = 0.6931472
    assert task.loss().rows(batch).values.tolist() == pytest.approx([0.75 * ln2, 1.5 * ln2, 0.0])


def test_scores_are_of_the_words_with_a_label():
    task = learn([["A", "B"], ["A"]], metrics=("accuracy", "f1_macro"))
    labels = [[-100, 0, 1, 0], [1, -100, -100, -100]]
    logits = logits_for([[0, 0, 1, 1], [0, 1, 1, 1]], 2)
    # A: one right, one missed, one wrong, F1 1/2; B the same.
    assert task.compute_metrics(prediction(logits, labels)) == {"accuracy": 0.5, "f1_macro": 0.5}


def test_entities_are_scored_whole():
    task = learn([["B-X", "I-X"], ["O"]], metrics=("entity_precision", "entity_recall", "entity_f1", "accuracy"))
    assert task.classes == ("B-X", "I-X", "O")
    labels = [[0, 1, 2, 0], [2, 0, -100, -100]]
    # The first entity is cut short, the second and third are right, and one is made up.
    logits = logits_for([[0, 2, 2, 0], [0, 0, 0, 0]], 3)
    found = task.compute_metrics(prediction(logits, labels))
    assert found == pytest.approx(
        {"entity_precision": 2 / 4, "entity_recall": 2 / 3, "entity_f1": 4 / 7, "accuracy": 4 / 6}
    )
    assert list(found) == ["entity_precision", "entity_recall", "entity_f1", "accuracy"]


def test_every_word_is_predicted_and_those_that_were_cut_are_none():
    task = learn([["A", "B"], ["A"]])
    rows = Dataset.from_dict({"word_starts": [[1, 2, -1], [1]]})
    logits = np.log([[[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]], [[0.5, 0.5], [0.4, 0.6], [0.5, 0.5]]])
    first, second = task.predictions(logits, rows)
    assert first == {"labels": ["A", "B", None], "scores": [pytest.approx(0.75), pytest.approx(0.9), None]}
    assert second == {"labels": ["B"], "scores": [pytest.approx(0.6)]}


def test_a_trained_model_says_its_classes():
    config = SimpleNamespace(id2label={0: "O", 1: "B-X"})
    section = TaskSection(type="token-classification")
    task = tasks.restore(section, DataSection(), Dataset.from_dict({"tokens": WORDS}), config, PLACE)
    assert (task.classes, task.problem, task.class_weights) == (("O", "B-X"), "entities", None)
    with pytest.raises(
        DataError, match="validation row 1: expected the classes of the training rows, O, B-X; found B-Y"
    ):
        encode(
            tasks.restore(section, DataSection(), Dataset.from_dict({"tokens": WORDS, "tags": WORDS}), config, PLACE),
            tags=[["O", "B-Y"], ["O"]],
        )
