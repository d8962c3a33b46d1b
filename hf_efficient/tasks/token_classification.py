"""Token classification: a label for each word of a sentence, such as its part of speech or the entity that it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers.data.data_collator import pad_without_fast_tokenizer_warning

from hf_efficient.data.columns import read_weights
from hf_efficient.data.encode import Encoded, encode_texts
from hf_efficient.data.labels import is_labelled, learn_classes, stated_classes
from hf_efficient.data.words import (
    STARTS,
    WordRoles,
    WordRules,
    Words,
    align,
    read_tags,
    read_words,
    require_word_ids,
    resolve_word_columns,
    tag_ids,
)
from hf_efficient.errors import DataError
from hf_efficient.losses import IGNORED, Supervised, supervised_tokens
from hf_efficient.tasks.classification import choose_metrics, logits_of, softmax, weigh_classes
from hf_efficient.tasks.metrics import METRICS, are_bio, score
from hf_efficient.tasks.row_by_row import RowByRow

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray
    from transformers import EvalPrediction, PreTrainedTokenizerBase

    from hf_efficient.recipe.data import DataSection
    from hf_efficient.recipe.task import TaskSection

Place = Callable[[str], str]


@dataclass(frozen=True)
class TokenClassification(RowByRow):
    """The task, learnt from the training rows.

    A word's label stands on its first token; its other tokens, and those that mark begin and end, have none.
    """

    columns: WordRoles
    problem: str
    """`entities` where the classes are BIO tags, else `tags`."""
    classes: tuple[str, ...]
    """Names of the classes in the order of their ids."""
    class_weights: tuple[float, ...] | None
    metric_names: tuple[str, ...]

    name = "token-classification"
    auto_model = "AutoModelForTokenClassification"
    rules = WordRules.of

    @classmethod
    def learn(cls, section: TaskSection, data: DataSection, tables: DatasetDict, place: Place) -> TokenClassification:
        """The task that the recipe and the training rows describe.

        Raises:
            RecipeError: a column, class or metric that does not exist.
            PlanError: classes or a metric that do not fit the labels.
            DataError: labels that can't be used, or only one class.
        """
        table = tables["train"]
        roles = resolve_word_columns(data.columns, table, place)
        tags = read_tags(table, roles, read_words(table, roles.tokens, "train"), "train")
        names = sorted({tag for row in tags for tag in row})
        if data.streaming:
            classes = stated_classes(table, roles.label, names, section.labels, place("task.labels"))
            problem = _problem(classes)
            return cls(roles, problem, classes, None, choose_metrics(section, problem, len(classes), place))
        classes = learn_classes(table, roles.label, names, section.labels, place("task.labels"))
        if len(names) < 2:
            raise DataError(f"train: expected at least two classes, found {names[0]} in all {len(tags)} rows")
        counts = np.bincount(np.concatenate(tag_ids(tags, classes, "train")), minlength=len(classes))
        problem = _problem(classes)
        weights = weigh_classes(section, classes, counts, problem, place)
        return cls(roles, problem, classes, weights, choose_metrics(section, problem, len(classes), place))

    @classmethod
    def restore(
        cls, section: TaskSection, data: DataSection, table: Dataset, config: Any, place: Place
    ) -> TokenClassification:
        """The task of a trained model, to score or predict a table that it has not seen.

        Raises:
            RecipeError: a column or metric that does not exist.
            PlanError: a metric that does not fit the model's classes.
        """
        classes = tuple(config.id2label[index] for index in range(len(config.id2label)))
        problem = _problem(classes)
        metrics = choose_metrics(section, problem, len(classes), place)
        return cls(resolve_word_columns(data.columns, table, place), problem, classes, None, metrics)

    def config(self) -> dict[str, Any]:
        """The number and names of the labels."""
        names = dict(enumerate(self.classes))
        return {"num_labels": len(names), "id2label": names, "label2id": {name: index for index, name in names.items()}}

    def facts(self) -> dict[str, Any]:
        """What the report says of the task."""
        return {"problem": self.problem, "labels": list(self.classes)}

    def encode_rows(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, split: str, cache: Path | None, **limits: Any
    ) -> Encoded:
        """Token ids, `length` and `word_starts`; `labels` and `sample_weight` where the table has them."""
        require_word_ids(tokenizer)
        sentences = read_words(table, self.columns.tokens, split)
        encoded = encode_texts(Words(sentences), tokenizer, split=split, cache=cache, **limits)
        rows = encoded.dataset
        if is_labelled(table, self.columns.label):
            ids = tag_ids(read_tags(table, self.columns, sentences, split), self.classes, split)
            aligned = zip(rows[STARTS][:], ids, rows["length"][:], strict=True)
            rows = rows.add_column("labels", [align(starts, row, length, IGNORED) for starts, row, length in aligned])
        if self.columns.weight is not None and self.columns.weight in table.column_names:
            rows = rows.add_column("sample_weight", read_weights(table, self.columns.weight, split))
        return Encoded(rows, encoded.num_truncated)

    def collator(self, tokenizer: PreTrainedTokenizerBase, /) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches padded to their longest row: the tokenizer's columns, `labels` and `sample_weight`."""
        return _Collator(tokenizer)

    def loss(self, *, label_smoothing: float = 0.0) -> Supervised:
        """Cross-entropy of each word."""
        weights = None if self.class_weights is None else torch.tensor(self.class_weights)
        return supervised_tokens(class_weights=weights, label_smoothing=label_smoothing)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float | None]:
        """Metrics by name over the words that have a label; those of entities over the sentences."""
        decided, labels = logits_of(prediction.predictions).argmax(axis=-1), np.asarray(prediction.label_ids)
        of_entities = tuple(name for name in self.metric_names if METRICS[name].problems == ("entities",))
        of_words = tuple(name for name in self.metric_names if name not in of_entities)
        scores: dict[str, float | None] = {}
        if of_words:
            counted = labels != IGNORED
            scores |= score(of_words, "tags", decided[counted], labels[counted])
        if of_entities:
            scores |= score(of_entities, "entities", self._sentences(decided, labels), self._sentences(labels, labels))
        return {name: scores[name] for name in self.metric_names}

    def _sentences(self, ids: NDArray[Any], labels: NDArray[Any]) -> list[list[str]]:
        """The names of the tags of each row's words."""
        return [
            [self.classes[index] for index in row[counted]] for row, counted in zip(ids, labels != IGNORED, strict=True)
        ]

    def greater_is_better(self, metric: str) -> bool:
        """Whether a larger value of the metric is an improvement."""
        return METRICS[metric].greater_is_better

    def predictions(self, logits: NDArray[Any], rows: Dataset, /) -> list[dict[str, Any]]:
        """One record a row: the `labels` of its words and their `scores`, None for a word that was cut."""
        return [self._record(*row) for row in zip(logits, rows[STARTS][:], strict=True)]

    def _record(self, logits: NDArray[Any], starts: Sequence[int]) -> dict[str, Any]:
        probabilities = softmax(logits)
        words = [None if start < 0 else probabilities[start] for start in starts]
        return {
            "labels": [None if p is None else self.classes[p.argmax()] for p in words],
            "scores": [None if p is None else float(p.max()) for p in words],
        }


def _problem(classes: Sequence[str]) -> str:
    return "entities" if are_bio(classes) else "tags"


@dataclass(frozen=True)
class _Collator:
    tokenizer: PreTrainedTokenizerBase

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        names = [name for name in self.tokenizer.model_input_names if name in features[0]]
        rows = [{name: row[name] for name in names} for row in features]
        # On the right whatever the tokenizer prefers, so that a token stands in the batch where it stands in its row.
        batch = pad_without_fast_tokenizer_warning(  # type: ignore[no-untyped-call]
            self.tokenizer, rows, padding_side="right", return_tensors="pt"
        )
        if "labels" in features[0]:
            labels = [torch.tensor(row["labels"]) for row in features]
            batch["labels"] = pad_sequence(labels, batch_first=True, padding_value=IGNORED)
        if "sample_weight" in features[0]:
            batch["sample_weight"] = torch.tensor([row["sample_weight"] for row in features], dtype=torch.float)
        return batch
