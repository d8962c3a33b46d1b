"""Metrics that work without a network: `evaluate.load` fetches each one from the Hub, these come with the package.

Names are those of `evaluate` and scikit-learn: `f1`, `precision` and `recall` are of the positive class of a binary
problem, `…_macro` is the plain mean over classes, `…_micro` counts all decisions alike.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

import evaluate
import numpy as np
from datasets import Features, List, Value
from numpy.typing import NDArray

Array = NDArray[Any]

_FEATURES: Final = {
    "default": Value("int64"),
    "multilabel": List(Value("int64")),
    "regression": Value("float64"),
    "text": Value("string"),
    "entities": List(Value("string")),
}
"""What one prediction and one reference are, by the metric's `config_name`."""


class RowMetric(evaluate.Metric):  # type: ignore[misc]
    """A metric over one prediction and one reference per row; its result is named as its class, in snake case."""

    greater_is_better: ClassVar[bool] = True
    problems: ClassVar[tuple[str, ...]] = ("single_label", "multi_label", "tags", "entities")
    """Problems that it fits; `binary` is a single-label one with two classes."""

    def score(self, predictions: Array, references: Array) -> float:
        """The metric's value; NaN where it is undefined."""
        raise NotImplementedError

    def _info(self) -> evaluate.MetricInfo:
        feature = _FEATURES[self.config_name]
        return evaluate.MetricInfo(
            description=inspect.getdoc(type(self)) or "",
            citation="",
            features=Features({"predictions": feature, "references": feature}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float | None]:
        value = float(self.score(np.asarray(predictions), np.asarray(references)))
        return {self.name: value if math.isfinite(value) else None}


class Accuracy(RowMetric):
    """Share of rows that are predicted right, for several labels in all of them."""

    def score(self, predictions: Array, references: Array) -> float:
        """From 0 to 1."""
        right = predictions == references
        return float(np.mean(right.all(axis=-1) if right.ndim > 1 else right))


class _Counted(RowMetric):
    """A metric of true and false positives, from scikit-learn; 0 where a class has none."""

    function: ClassVar[str]
    average: ClassVar[str]

    def score(self, predictions: Array, references: Array) -> float:
        from sklearn import metrics

        function = getattr(metrics, self.function)
        return float(function(references, predictions, average=self.average, zero_division=0))


class F1Macro(_Counted):
    """Mean of the classes' F1."""

    function, average = "f1_score", "macro"


class F1Micro(_Counted):
    """F1 over all decisions; with one label a row it equals the accuracy."""

    function, average = "f1_score", "micro"


class PrecisionMacro(_Counted):
    """Mean of the classes' precision."""

    function, average = "precision_score", "macro"


class RecallMacro(_Counted):
    """Mean of the classes' recall, the balanced accuracy."""

    function, average = "recall_score", "macro"


class F1(_Counted):
    """F1 of the positive class, the one with id 1."""

    problems = ("binary",)
    function, average = "f1_score", "binary"


class Precision(_Counted):
    """Precision of the positive class, the one with id 1."""

    problems = ("binary",)
    function, average = "precision_score", "binary"


class Recall(_Counted):
    """Recall of the positive class, the one with id 1."""

    problems = ("binary",)
    function, average = "recall_score", "binary"


class MatthewsCorrelation(RowMetric):
    """Matthews' correlation of predicted and true classes; 0 where either never varies."""

    problems = ("single_label", "tags", "entities")

    def score(self, predictions: Array, references: Array) -> float:
        """From -1 to 1."""
        from sklearn.metrics import matthews_corrcoef

        if _constant(predictions) or _constant(references):
            return 0.0
        return float(matthews_corrcoef(references, predictions))


class _OfEntities(RowMetric):
    """A metric of whole entities; a row is the tags of a sentence, and nothing found is 0."""

    problems = ("entities",)

    def _compute(self, predictions: Any, references: Any) -> dict[str, float | None]:
        return {self.name: self.score(predictions, references)}


class EntityF1(_OfEntities):
    """Harmonic mean of the entities' precision and recall."""

    def score(self, predictions: Any, references: Any) -> float:
        """From 0 to 1."""
        right, predicted, true = count_entities(predictions, references)
        return 2 * right / max(predicted + true, 1)


class EntityPrecision(_OfEntities):
    """Share of the predicted entities that are right from the first word to the last, and in their type."""

    def score(self, predictions: Any, references: Any) -> float:
        """From 0 to 1."""
        right, predicted, _ = count_entities(predictions, references)
        return right / max(predicted, 1)


class EntityRecall(_OfEntities):
    """Share of the true entities that are predicted from the first word to the last, and in their type."""

    def score(self, predictions: Any, references: Any) -> float:
        """From 0 to 1."""
        right, _, true = count_entities(predictions, references)
        return right / max(true, 1)


def count_entities(predictions: Any, references: Any) -> tuple[int, int, int]:
    """How many entities are predicted right, are predicted, and are there."""
    pairs = [(entities(p), entities(r)) for p, r in zip(predictions, references, strict=True)]
    return sum(len(p & r) for p, r in pairs), sum(len(p) for p, _ in pairs), sum(len(r) for _, r in pairs)


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Type, first word and end of each entity of a sentence in BIO tags.

    As the CoNLL-2000 evaluation reads them: an `I-X` that follows no word of an `X` begins one.
    """
    found, kind, start = set(), None, 0
    for index, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if kind is not None and (prefix != "I" or name != kind):
            found.add((kind, start, index))
            kind = None
        if kind is None and prefix in ("B", "I"):
            kind, start = name, index
    return found


def are_bio(classes: Iterable[str]) -> bool:
    """Whether the classes mark entities: `B-…` and `I-…`, and `O` or nothing else."""
    names = set(classes) - {"O"}
    return any(name.startswith("B-") for name in names) and all(name[:2] in ("B-", "I-") for name in names)


class Pearsonr(RowMetric):
    """Pearson's correlation; undefined where predictions or references never vary."""

    problems = ("regression",)

    def score(self, predictions: Array, references: Array) -> float:
        """From -1 to 1, or NaN."""
        if _constant(predictions) or _constant(references):
            return math.nan
        return float(np.corrcoef(predictions, references)[0, 1])


class Spearmanr(Pearsonr):
    """Spearman's correlation, Pearson's of the ranks; undefined where predictions or references never vary."""

    def score(self, predictions: Array, references: Array) -> float:
        """From -1 to 1, or NaN."""
        if np.isnan(predictions).any():
            return math.nan
        return super().score(_ranks(predictions), _ranks(references))


class Mse(RowMetric):
    """Mean squared error."""

    problems = ("regression",)
    greater_is_better = False

    def score(self, predictions: Array, references: Array) -> float:
        """At least 0."""
        return float(np.mean((predictions - references) ** 2))


def _ranks(values: Array) -> Array:
    """The rank of each value, that of equal values averaged."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _constant(values: Array) -> bool:
    return bool((values == values[0]).all())


METRICS: Final[dict[str, type[RowMetric]]] = {
    "entity_f1": EntityF1,
    "entity_precision": EntityPrecision,
    "entity_recall": EntityRecall,
    "accuracy": Accuracy,
    "f1_macro": F1Macro,
    "f1_micro": F1Micro,
    "precision_macro": PrecisionMacro,
    "recall_macro": RecallMacro,
    "f1": F1,
    "precision": Precision,
    "recall": Recall,
    "matthews_correlation": MatthewsCorrelation,
    "pearsonr": Pearsonr,
    "spearmanr": Spearmanr,
    "mse": Mse,
}
"""All metrics by name, in the order of the report."""


def metrics_for(problem: str, num_labels: int) -> tuple[str, ...]:
    """Names of the metrics that fit a problem."""
    fitting = {problem, "binary"} if problem == "single_label" and num_labels == 2 else {problem}
    return tuple(name for name, metric in METRICS.items() if fitting & set(metric.problems))


def score(names: tuple[str, ...], problem: str, predictions: Any, references: Any) -> dict[str, float | None]:
    """The named metrics; None where one is undefined."""
    configs = {"multi_label": "multilabel", "regression": "regression", "entities": "entities"}
    config = configs.get(problem, "default")
    combined = evaluate.combine([METRICS[name](config, keep_in_memory=True) for name in names])
    scores: dict[str, float | None] = combined.compute(predictions=predictions, references=references)
    return scores
