from __future__ import annotations

import math

import numpy as np
import pytest

from hf_efficient.tasks.metrics import METRICS, are_bio, entities, metrics_for, score

# Three classes; class 0: 2 right of 2 predicted and 3 true, class 1: 1 of 2 and 1, class 2: 0 of 0 and 0.
PREDICTED = np.array([0, 0, 1, 1])
TRUE = np.array([0, 0, 0, 1])


def value(name, predictions=PREDICTED, references=TRUE, problem="single_label"):
    return score((name,), problem, np.asarray(predictions), np.asarray(references))[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 3 / 4),
        ("f1_macro", (4 / 5 + 2 / 3) / 2),
        ("f1_micro", 3 / 4),
        ("precision_macro", (1 + 1 / 2) / 2),
        ("recall_macro", (2 / 3 + 1) / 2),
        ("f1", 2 / 3),
        ("precision", 1 / 2),
        ("recall", 1.0),
        ("matthews_correlation", (1 * 2 - 1 * 0) / math.sqrt(2 * 1 * 3 * 2)),
    ],
)
def test_one_label_a_row(name, expected):
    assert value(name) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 1 / 3),
        ("f1_micro", 2 * 2 / (2 * 2 + 1 + 1)),
        ("f1_macro", (2 / 3 + 2 / 3) / 2),
        ("precision_macro", (1 / 2 + 1) / 2),
        ("recall_macro", (1 + 1 / 2) / 2),
    ],
)
def test_several_labels_a_row(name, expected):
    predicted = [[1, 0], [1, 1], [0, 0]]
    true = [[1, 0], [0, 1], [0, 1]]
    assert value(name, predicted, true, "multi_label") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"), [("pearsonr", 11 / math.sqrt(130)), ("spearmanr", 4.5 / math.sqrt(22.5)), ("mse", 2.0)]
)
def test_numbers(name, expected):
    # Deviations: (-1.5, -.5, .5, 1.5) and (-2, -1, -1, 4) times their spread; ranks 1 2 3 4 and 1 2.5 2.5 4.
    predicted, true = [1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 6.0]
    assert value("mse", predicted, true, "regression") == pytest.approx((1 + 1 + 4 + 4) / 4)
    expected = {"pearsonr": 9 / math.sqrt(5 * 22), "spearmanr": 4.5 / math.sqrt(5 * 4.5), "mse": 2.5}[name]
    assert value(name, predicted, true, "regression") == pytest.approx(expected)


@pytest.mark.parametrize("name", metrics_for("single_label", 2))
@pytest.mark.parametrize("predictions", [[0, 0, 0, 0], [1, 1, 1, 1]])
@pytest.mark.parametrize("references", [[0, 0, 0, 0], [0, 0, 1, 0]])
def test_constant_predictions_neither_warn_nor_give_nan(name, predictions, references):
    assert math.isfinite(value(name, predictions, references))


@pytest.mark.parametrize("predictions", [[1.0, 1.0], [math.nan, 1.0]])
@pytest.mark.parametrize("name", ["pearsonr", "spearmanr"])
def test_undefined_correlations_are_none(name, predictions):
    assert value(name, predictions, [1.0, 2.0], "regression") is None
    assert value(name, [1.0, 2.0], [3.0, 3.0], "regression") is None


def test_the_error_of_nan_is_none():
    assert value("mse", [math.nan], [1.0], "regression") is None


def test_metrics_are_named_as_their_classes():
    assert {name: metric("default", keep_in_memory=True).name for name, metric in METRICS.items()} == {
        name: name for name in METRICS
    }


def test_which_metrics_fit():
    assert metrics_for("regression", 1) == ("pearsonr", "spearmanr", "mse")
    several = ("accuracy", "f1_macro", "f1_micro", "precision_macro", "recall_macro")
    assert metrics_for("multi_label", 3) == several
    assert metrics_for("single_label", 3) == (*several, "matthews_correlation")
    assert metrics_for("single_label", 2) == (*several, "f1", "precision", "recall", "matthews_correlation")


def test_only_errors_are_better_small():
    assert [name for name, metric in METRICS.items() if not metric.greater_is_better] == ["mse"]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O", set()),
        ("B-X I-X O B-Y", {("X", 0, 2), ("Y", 3, 4)}),
        ("B-X B-X", {("X", 0, 1), ("X", 1, 2)}),
        ("B-X I-Y I-Y", {("X", 0, 1), ("Y", 1, 3)}),
        ("O I-X I-X", {("X", 1, 3)}),
        ("I-X B-X I-X", {("X", 0, 1), ("X", 1, 3)}),
        ("B-a-b I-a-b", {("a-b", 0, 2)}),
    ],
)
def test_entities_of_bio_tags(tags, found):
    assert entities(tags.split()) == found


@pytest.mark.parametrize(
    ("classes", "bio"),
    [("O B-X I-X", True), ("B-X O", True), ("B-X", True), ("O I-X", False), ("O B-X S-X", False), ("NOUN VERB", False)],
)
def test_classes_that_mark_entities(classes, bio):
    assert are_bio(classes.split()) is bio


def test_entity_metrics_of_several_sentences():
    truth = [["B-X", "I-X", "O"], ["B-Y", "O", "B-X"]]
    predicted = [["B-X", "I-X", "O"], ["B-X", "O", "O"]]
    names = ("entity_f1", "entity_precision", "entity_recall")
    # One of two predicted entities is right, of three that are there.
    assert score(names, "entities", predicted, truth) == pytest.approx(
        {"entity_f1": 0.4, "entity_precision": 0.5, "entity_recall": 1 / 3}
    )


def test_entities_where_there_are_none_score_zero():
    names = ("entity_f1", "entity_precision", "entity_recall")
    assert score(names, "entities", [["O"]], [["O"]]) == dict.fromkeys(names, 0.0)
