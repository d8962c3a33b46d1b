"""What learns from the labels of a round, and says what it makes of the pool."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import torch
from torch import nn

from hf_efficient import tasks
from hf_efficient.data.labels import class_ids, read_labels
from hf_efficient.errors import PlanError
from hf_efficient.experiments.active.plain import plain_recipe
from hf_efficient.experiments.active.pool import write_rows
from hf_efficient.experiments.active.section import section_of
from hf_efficient.models import encoding_limits
from hf_efficient.tasks.classification import softmax
from hf_efficient.training.finetune import finetune
from hf_efficient.training.loading import longest_first
from hf_efficient.training.scoring_trainer import predict_rows

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.experiments.active.acquisition import Array, Rows
    from hf_efficient.experiments.active.features import Features
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.experiments.active.state import ActiveDirectory
    from hf_efficient.recipe import Recipe

Metrics = Mapping[str, float | None]

WITH_EMBEDDINGS: Final = ("core_set", "badge", "contrastive")
"""Strategies that compare rows by what the head sees of them."""


@dataclass(frozen=True)
class Scored:
    """What a model makes of each row of the pool."""

    probabilities: Array
    """Shape (rows, classes)."""
    embeddings: Array | None
    """What its head sees, (rows, width); None where no strategy asks."""
    members: Array | None = None
    """Probabilities of several members, (members, rows, classes)."""

    @property
    def predicted(self) -> Rows:
        """Ids of the likeliest classes."""
        return np.asarray(self.probabilities.argmax(axis=1))


@dataclass(frozen=True)
class Fitted:
    """A model of one round."""

    metrics: Metrics
    """Of the validation rows; empty where there are none."""
    score: Callable[[], Scored]


class Learner(Protocol):
    """Makes a model of labels; a pure function of the labels, the recipe and the round's number."""

    def fit(self, labels: Mapping[int, str], number: int) -> Fitted:
        """The model of a round."""
        ...


@dataclass(frozen=True)
class FineTuned:
    """Fine-tunes as the recipe says, from its own model or from that of the round before."""

    recipe: Recipe
    pool: Pool
    directory: ActiveDirectory

    def fit(self, labels: Mapping[int, str], number: int) -> Fitted:
        """The model of a round, in a run directory of its own; that of the round before the last is removed."""
        gc.collect()  # the Trainer and the model of the round before know each other
        run = self.directory.run(number)
        shutil.rmtree(self.directory.run(number - 2), ignore_errors=True)
        run.parent.mkdir(parents=True, exist_ok=True)
        rows = run.with_suffix(".parquet")
        write_rows(self.pool.labelled(labels), rows)
        settings = {"data.train": str(rows), "training.output_dir": str(run)}
        before = self.directory.run(number - 1)
        if section_of(self.recipe).warm_start and before.is_dir():
            settings |= {"model.name": str(before), "model.initialization": "pretrained"}
        unpushed = self.recipe.replace({}, without=["hub"])
        outcome = finetune(plain_recipe(unpushed, self.directory, settings, self.pool))
        rows.unlink()
        metrics = {} if self.pool.validation is None else outcome.metrics
        return Fitted(metrics, lambda: self._score(outcome.model, outcome.processing_class, number))

    def _score(self, model: Any, processing_class: Any, number: int) -> Scored:
        active, recipe = section_of(self.recipe), self.recipe
        task: Any = tasks.bind(self.pool.task, model, processing_class)
        limits = encoding_limits(task, model.config, processing_class, recipe.data, recipe.place)
        rows = task.encode(self.pool.rows, processing_class, split="pool", **limits).dataset

        def logits() -> Array:
            return predict_rows(recipe, model, processing_class, task, rows)

        if active.strategy == "bald":
            members = [self._member(model, logits, [recipe.training.seed, number, m]) for m in range(active.members)]
            return Scored(softmax(logits()), None, np.stack(members))
        if active.strategy not in WITH_EMBEDDINGS:
            return Scored(softmax(logits()), None)
        with head_inputs(model) as seen:
            probabilities = softmax(logits())
        return Scored(probabilities, in_row_order(seen, rows))

    def _member(self, model: Any, logits: Callable[[], Array], seed: list[int]) -> Array:
        with dropping_out(model, int(np.random.default_rng(seed).integers(2**31))):
            return softmax(logits())


@contextmanager
def head_inputs(model: Any) -> Iterator[list[Array]]:
    """What the last layer of a model's head is given, of each batch in turn, until the block ends.

    Raises:
        PlanError: the model's head ends with no linear layer over its classes, one vector a row.
    """
    heads = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == model.config.num_labels]
    seen: list[Array] = []

    def keep(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].dim() != 2:
            raise PlanError(f"active.strategy: {_no_embeddings(model)}")
        seen.append(inputs[0].detach().float().cpu().numpy())

    if not heads:
        raise PlanError(f"active.strategy: {_no_embeddings(model)}")
    handle = heads[-1].register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def _no_embeddings(model: Any) -> str:
    return (
        f"core_set, badge and contrastive compare one vector a row, which {type(model).__name__}'s head is not given; "
        "take margin, entropy or least_confidence."
    )


def in_row_order(batches: list[Array], rows: Dataset) -> Array:
    """What was seen of batches of sorted rows, a row each, in the rows' own order."""
    order, stacked = longest_first(rows), np.concatenate(batches)[: len(rows)]
    return stacked if order is None else stacked[np.argsort(order, kind="stable")]


@contextmanager
def dropping_out(model: Any, seed: int) -> Iterator[None]:
    """The model's dropout stays on in evaluation until the block ends, drawn from a seed.

    Raises:
        PlanError: the model has none.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout) and module.p > 0]
    if not layers:
        raise PlanError(
            "active.strategy: bald draws members by dropout, and the model has none; set it in model.config (as "
            "hidden_dropout_prob: 0.1), or take another strategy or active.fast: true."
        )
    seeded: list[int] = []

    def switch_on(module: nn.Module, inputs: Any) -> None:
        if not seeded:  # here and not before: the Trainer that is made to score the rows seeds, too
            torch.manual_seed(seed)
            seeded.append(seed)
        module.train()

    handles = [layer.register_forward_pre_hook(switch_on) for layer in layers]
    try:
        with torch.random.fork_rng():
            yield
    finally:
        for handle, layer in zip(handles, layers, strict=True):
            handle.remove()
            layer.eval()


@dataclass(frozen=True)
class LinearHead:
    """Logistic regression on the pretrained model's features, which are computed once."""

    recipe: Recipe
    pool: Pool
    features: Features
    inverse_penalty: float = 0.03
    """Scikit-learn's `C`, over features of mean 0 and variance 1."""

    def fit(self, labels: Mapping[int, str], number: int) -> Fitted:
        """The model of a round."""
        active = section_of(self.recipe)
        numbers = np.asarray(sorted(labels))
        targets = np.asarray([self.pool.classes.index(labels[row]) for row in numbers.tolist()])
        head = self._head(numbers, targets)

        def score() -> Scored:
            members = None
            if active.strategy == "bald":
                seed = [self.recipe.training.seed, number]
                members = np.stack([self._member(numbers, targets, [*seed, m]) for m in range(active.members)])
            return Scored(self._probabilities(head, self._pool), self._pool, members)

        return Fitted(self._metrics(head), score)

    def _head(self, numbers: Rows, targets: Rows, weights: Array | None = None) -> Any:
        from sklearn.linear_model import LogisticRegression

        head = LogisticRegression(C=self.inverse_penalty, max_iter=1000)
        return head.fit(self._pool[numbers], targets, weights)

    def _member(self, numbers: Rows, targets: Rows, seed: list[int]) -> Array:
        """A head of the Bayesian bootstrap: each label weighs as much as an exponential draw says (Rubin 1981)."""
        weights = np.random.default_rng(seed).exponential(size=len(numbers))
        return self._probabilities(self._head(numbers, targets, weights), self._pool)

    def _probabilities(self, head: Any, features: Array) -> Array:
        """Shape (rows, classes); 0 for classes without a label yet."""
        probabilities = np.zeros((len(features), len(self.pool.classes)))
        probabilities[:, head.classes_] = head.predict_proba(features)
        return probabilities

    def _metrics(self, head: Any) -> Metrics:
        from transformers import EvalPrediction

        if self.pool.validation is None:
            return {}
        probabilities = self._probabilities(head, self._validation)
        metrics: Metrics = self.pool.task.compute_metrics(EvalPrediction(probabilities, self._targets))
        return metrics

    @cached_property
    def _targets(self) -> Rows:
        assert self.pool.validation is not None
        labels = read_labels(self.pool.validation, self.pool.task.columns.label, "validation")
        return class_ids(labels, self.pool.classes, "validation")

    @cached_property
    def _scale(self) -> tuple[Array, Array]:
        features = self.features.of_pool.astype(np.float64)
        return features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)

    @cached_property
    def _pool(self) -> Array:
        mean, deviation = self._scale
        return np.asarray((self.features.of_pool - mean) / deviation)

    @cached_property
    def _validation(self) -> Array:
        mean, deviation = self._scale
        return np.asarray((self.features.of_validation - mean) / deviation)
