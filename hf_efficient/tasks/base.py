"""What differs between tasks, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from torch import Tensor
    from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

    from hf_efficient.data import Encoded
    from hf_efficient.losses import Loss


class Task(Protocol):
    """A kind of job for a model, learnt from the recipe and the training rows; a frozen value.

    Its methods are pure: they take tables, arrays or logits and give new ones.
    """

    @property
    def name(self) -> str:
        """The Hub's name of the task, e.g. `text-classification`."""
        ...

    @property
    def auto_model(self) -> str:
        """Name of the transformers auto class that loads its models, e.g. `AutoModelForSequenceClassification`."""
        ...

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Metrics that `compute_metrics` gives, in the order of the report; the first one is the main one."""
        ...

    @property
    def columns(self) -> Any:
        """Names of the columns by the part that they play, its fields named as those of `data.columns`."""
        ...

    def config(self) -> dict[str, Any]:
        """Fields of the model's configuration that the task decides: `num_labels`, `id2label`, `problem_type` …"""
        ...

    def facts(self) -> dict[str, Any]:
        """What the report says of the task: `problem`, `labels`."""
        ...

    def encode(
        self, table: Dataset, processing_class: Any, /, *, max_length: int, truncation: bool, split: str
    ) -> Encoded:
        """The rows that the collator takes: token ids and `length`, or images; `labels`, `sample_weight` if known.

        Tasks of images are given no `max_length` and no `truncation`.
        """
        ...

    def collator(self, processing_class: Any, /) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """What turns encoded rows into a batch of tensors: texts padded to the longest, images of one size."""
        ...

    def loss(self, *, label_smoothing: float = 0.0) -> Loss:
        """The labels' loss."""
        ...

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float | None]:
        """Metrics by name, None where one is undefined; arrays are (samples, classes) and the labels."""
        ...

    def greater_is_better(self, metric: str) -> bool:
        """Whether a larger value of the metric is an improvement."""
        ...

    def predictions(self, logits: np.ndarray[Any, Any], rows: Dataset, /) -> list[dict[str, Any]]:
        """One record per encoded row for people and files: predicted label and its score, or the number."""
        ...


PredictStep: TypeAlias = "Callable[[Any, Mapping[str, Any]], Tensor]"
"""`predict_step(model, inputs)`: ids generated from a batch, (samples, tokens)."""


@runtime_checkable
class Binds(Protocol):
    """A task that needs to know its model and tokenizer."""

    def bind(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Task:
        """The task of this model, which from now on generates as the recipe says."""
        ...


@runtime_checkable
class Streams(Protocol):
    """A task whose training rows can be encoded some at a time."""

    def encode_batch(
        self, table: Dataset, processing_class: Any, /, *, max_length: int, truncation: bool, split: str
    ) -> Dataset:
        """Some rows of a stream as `encode` gives them, none left out; nothing is cached.

        Raises:
            DataError: the first row that can't be used.
        """
        ...


@runtime_checkable
class Condenses(Protocol):
    """A task whose logits are too many to be kept: an evaluation keeps what the metrics need of each batch."""

    def preprocess_logits_for_metrics(self, logits: Any, labels: Tensor) -> Tensor:
        """What `compute_metrics` is given as predictions, (samples, numbers)."""
        ...


@runtime_checkable
class Generates(Binds, Protocol):
    """A task whose predictions are generated, not read off the logits: they take a model and a tokenizer."""

    def predict_step(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """What the model generates from a batch, (samples, tokens)."""
        ...
