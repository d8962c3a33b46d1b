"""Classification of anything: one label, several, or a number for each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
import torch

from hf_efficient.data.columns import read_weights
from hf_efficient.data.labels import (
    class_ids,
    class_vectors,
    is_labelled,
    learn_classes,
    numbers,
    read_labels,
    refuse_unclear,
    stated_classes,
)
from hf_efficient.errors import DataError, PlanError, RecipeError, did_you_mean
from hf_efficient.losses import IGNORED, Supervised, supervised
from hf_efficient.tasks.metrics import METRICS, metrics_for, score

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray
    from transformers import EvalPrediction

    from hf_efficient.recipe.data import Columns, DataSection
    from hf_efficient.recipe.task import TaskSection

Place = Callable[[str], str]

DEFAULT_THRESHOLD: Final = 0.5
"""Probability from which a label of a multi-label problem is predicted, unless the recipe says otherwise."""

_PROBLEM_TYPES: Final = {
    "single_label": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}
"""transformers' name of each problem."""


@dataclass(frozen=True)
class Classification:
    """The task, learnt from the training rows; a subclass says what it classifies.

    It brings `name`, `auto_model`, `rules`, `encode` and `collator`.
    """

    columns: Any
    """The columns by the part that they play; `label` and `weight` among them."""
    problem: str
    """`single_label`, `multi_label` or `regression`."""
    classes: tuple[str, ...]
    """Names of the classes in the order of their ids; empty for a regression."""
    class_weights: tuple[float, ...] | None
    metric_names: tuple[str, ...]
    threshold: float
    """Probability from which a label of a multi-label problem is predicted."""

    resolve: ClassVar[staticmethod[[Columns, Dataset, Place], Any]]
    """Finds the columns of a table."""

    @classmethod
    def learn(cls, section: TaskSection, data: DataSection, tables: DatasetDict, place: Place) -> Self:
        """The task that the recipe and the training rows describe.

        Raises:
            RecipeError: a column, class or metric that does not exist.
            PlanError: a setting that does not fit the problem.
            DataError: labels that can't be used, or only one class.
        """
        table = tables["train"]
        roles = cls.resolve(data.columns, table, place)
        labels = read_labels(table, roles.label, "train")
        problem = _problem(section, labels, place)
        _refuse_idle_settings(section, problem, place)
        if problem == "regression":
            numbers(labels, "train")
            return cls(
                roles,
                problem,
                (),
                None,
                choose_metrics(section, problem, 1, place),
                section.threshold or DEFAULT_THRESHOLD,
            )
        if data.streaming:
            return cls._of_stream(section, roles, problem, table, labels, place)
        classes = learn_classes(table, roles.label, labels, section.labels, place("task.labels"))
        counts = _class_counts(labels, classes, problem)
        weights = weigh_classes(section, classes, counts, problem, place)
        metrics = choose_metrics(section, problem, len(classes), place)
        return cls(roles, problem, classes, weights, metrics, section.threshold or DEFAULT_THRESHOLD)

    @classmethod
    def _of_stream(
        cls, section: TaskSection, roles: Any, problem: str, table: Dataset, labels: Sequence[Any], place: Place
    ) -> Self:
        """The task whose classes somebody has named, where `table` is only the first rows."""
        refuse_unclear(table, roles.label)
        classes = stated_classes(table, roles.label, labels, section.labels, place("task.labels"))
        metrics = choose_metrics(section, problem, len(classes), place)
        return cls(roles, problem, classes, None, metrics, section.threshold or DEFAULT_THRESHOLD)

    @classmethod
    def restore(cls, section: TaskSection, data: DataSection, table: Dataset, config: Any, place: Place) -> Self:
        """The task of a trained model, to score or predict a table that it has not seen.

        Raises:
            RecipeError: a column or metric that does not exist.
            PlanError: the model's configuration has no `problem_type`.
        """
        names = {name: problem for problem, name in _PROBLEM_TYPES.items()}
        if config.problem_type not in names:
            raise PlanError(
                f"{config._name_or_path}: expected a problem_type in config.json, one of {', '.join(names)}; "
                f"found {config.problem_type}"
            )
        problem = names[config.problem_type]
        names_by_id: dict[int, str] = config.id2label
        classes = () if problem == "regression" else tuple(names_by_id[i] for i in range(len(names_by_id)))
        metrics = choose_metrics(section, problem, len(names_by_id), place)
        roles = cls.resolve(data.columns, table, place)
        return cls(roles, problem, classes, None, metrics, section.threshold or DEFAULT_THRESHOLD)

    def config(self) -> dict[str, Any]:
        """`problem_type`, and the number and names of the labels."""
        problem_type = {"problem_type": _PROBLEM_TYPES[self.problem]}
        if self.problem == "regression":
            return {"num_labels": 1, **problem_type}
        names = dict(enumerate(self.classes))
        ids = {name: index for index, name in names.items()}
        return {"num_labels": len(names), "id2label": names, "label2id": ids, **problem_type}

    def facts(self) -> dict[str, Any]:
        """What the report says of the task."""
        return {"problem": self.problem, "labels": list(self.classes)}

    def add_labels(self, rows: Dataset, table: Dataset, split: str) -> Dataset:
        """Encoded rows with the `labels` and the `sample_weight` of the table, where it has them.

        Raises:
            DataError: a label or weight that can't be used.
        """
        if is_labelled(table, self.columns.label):
            rows = rows.add_column("labels", self._targets(table, split))
        if self.columns.weight is not None and self.columns.weight in table.column_names:
            rows = rows.add_column("sample_weight", read_weights(table, self.columns.weight, split))
        return rows

    def side_columns(self, features: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """`labels` and `sample_weight` of encoded rows as tensors, where they have them."""
        batch = {}
        if "labels" in features[0]:
            dtype = torch.long if self.problem == "single_label" else torch.float
            batch["labels"] = torch.as_tensor(np.asarray([row["labels"] for row in features]), dtype=dtype)
        if "sample_weight" in features[0]:
            batch["sample_weight"] = torch.tensor([row["sample_weight"] for row in features], dtype=torch.float)
        return batch

    def _targets(self, table: Dataset, split: str) -> Any:
        labels = read_labels(table, self.columns.label, split)
        if self.problem == "regression":
            return numbers(labels, split)
        if self.problem == "multi_label":
            return list(class_vectors(labels, self.classes, split))
        return class_ids(labels, self.classes, split)

    def loss(self, *, label_smoothing: float = 0.0) -> Supervised:
        """The labels' loss: cross-entropy, binary cross-entropy or squared error.

        Raises:
            PlanError: label smoothing where a row has not one class.
        """
        weights = None if self.class_weights is None else torch.tensor(self.class_weights)
        return supervised(_PROBLEM_TYPES[self.problem], class_weights=weights, label_smoothing=label_smoothing)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float | None]:
        """Metrics by name over the rows that have a label; None where one is undefined."""
        logits, labels = logits_of(prediction.predictions), np.asarray(prediction.label_ids)
        if self.problem == "single_label":
            logits, labels = logits[labels != IGNORED], labels[labels != IGNORED]
        return score(self.metric_names, self.problem, self._decide(logits), labels)

    def _decide(self, logits: NDArray[Any]) -> NDArray[Any]:
        if self.problem == "regression":
            return logits.reshape(-1)
        if self.problem == "multi_label":
            return (_sigmoid(logits) >= self.threshold).astype(np.int64)
        classes: NDArray[np.int64] = logits.argmax(axis=-1)
        return classes

    def greater_is_better(self, metric: str) -> bool:
        """Whether a larger value of the metric is an improvement."""
        return METRICS[metric].greater_is_better

    def predictions(self, logits: NDArray[Any], rows: Dataset, /) -> list[dict[str, Any]]:
        """One record a row: `label` and `score`; `labels` and the `scores` of all; or the number as `score`."""
        if self.problem == "regression":
            return [{"score": float(number)} for number in logits.reshape(-1)]
        if self.problem == "multi_label":
            return [self._several(row) for row in _sigmoid(logits)]
        return [{"label": self.classes[row.argmax()], "score": float(row.max())} for row in softmax(logits)]

    def _several(self, probabilities: NDArray[Any]) -> dict[str, Any]:
        scores = dict(zip(self.classes, map(float, probabilities), strict=True))
        return {"labels": [name for name, p in scores.items() if p >= self.threshold], "scores": scores}


def _problem(section: TaskSection, labels: Sequence[Any], place: Place) -> str:
    """The problem that the labels pose, which the recipe may only narrow."""
    several = isinstance(labels[0], list)
    if section.problem == "auto":
        return "multi_label" if several else "regression" if isinstance(labels[0], float) else "single_label"
    if several != (section.problem == "multi_label"):
        found = "several labels a row" if several else "one label a row"
        raise PlanError(
            f"{place('task.problem')}: {section.problem} does not fit the label column, which holds {found}; "
            "use auto, or name another column in data.columns.label"
        )
    return section.problem


def _refuse_idle_settings(section: TaskSection, problem: str, place: Place) -> None:
    settings = {"labels": "regression", "class_weights": "regression"}
    for setting, idle in settings.items():
        if problem == idle and getattr(section, setting) is not None:
            raise PlanError(f"{place(f'task.{setting}')}: a regression has no classes; remove task.{setting}")
    if problem != "multi_label" and section.threshold is not None:
        raise PlanError(f"{place('task.threshold')}: only a multi-label problem has a threshold; remove it")


def _class_counts(labels: Sequence[Any], classes: Sequence[str], problem: str) -> NDArray[np.int64]:
    """Training rows of each class."""
    if problem == "multi_label":
        rows: NDArray[np.float32] = class_vectors(labels, classes, "train").sum(axis=0)
        return rows.astype(np.int64)
    counts: NDArray[np.int64] = np.bincount(class_ids(labels, classes, "train"), minlength=len(classes))
    if (counts > 0).sum() < 2:
        only = classes[int(counts.argmax())]
        raise DataError(f"train: expected at least two classes, found {only} in all {len(labels)} rows")
    return counts


def weigh_classes(
    section: TaskSection, classes: Sequence[str], counts: NDArray[np.int64], problem: str, place: Place
) -> tuple[float, ...] | None:
    """Weights with a mean of 1 over what the loss averages: the rows, or for several labels a row the classes.

    Raises:
        RecipeError: a weight for a class that does not exist, or none above 0.
    """
    if section.class_weights is None:
        return None
    weights = _raw_weights(section.class_weights, classes, counts, place("task.class_weights"))
    mean = np.average(weights, weights=None if problem == "multi_label" else counts)
    if not mean > 0:
        raise RecipeError(f"{place('task.class_weights')}: expected a weight above 0, found only 0")
    return tuple(float(weight) for weight in weights / mean)


def _raw_weights(
    given: str | Mapping[str, float], classes: Sequence[str], counts: NDArray[np.int64], place: str
) -> NDArray[np.float64]:
    if isinstance(given, str):  # a class without training rows has no say, and no weight that could be told
        return np.where(counts > 0, counts.sum() / (len(classes) * np.maximum(counts, 1)), 1.0)
    for name in given:
        if name not in classes:
            raise RecipeError(
                f"{place}: {name} is no class of the training rows ({', '.join(classes)}).{did_you_mean(name, classes)}"
            )
    return np.asarray([given.get(name, 1.0) for name in classes])


def choose_metrics(section: TaskSection, problem: str, num_labels: int, place: Place) -> tuple[str, ...]:
    """The metrics that the recipe names, or all that fit the problem.

    Raises:
        RecipeError: there is no metric of that name.
        PlanError: it does not fit the problem.
    """
    fitting = metrics_for(problem, num_labels)
    for name in section.metrics or ():
        if name not in METRICS:
            raise RecipeError(
                f"{place('task.metrics')}: {name} is no metric ({', '.join(METRICS)}).{did_you_mean(name, METRICS)}"
            )
        if name not in fitting:
            raise PlanError(
                f"{place('task.metrics')}: {name} does not fit a {problem} problem with {num_labels} labels; "
                f"use any of {', '.join(fitting)}"
            )
    return section.metrics or fitting


def logits_of(predictions: Any) -> NDArray[Any]:
    """The logits, which transformers puts first where a model returns more."""
    return np.asarray(predictions[0] if isinstance(predictions, tuple) else predictions)


def _sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    return torch.from_numpy(np.asarray(logits, dtype=np.float64)).sigmoid().numpy()


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of the classes, the last axis."""
    return torch.from_numpy(np.asarray(logits, dtype=np.float64)).softmax(-1).numpy()
