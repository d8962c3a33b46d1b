"""Causal language modelling: texts, completions of prompts, or the assistant's turns of conversations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from hf_efficient.data.documents import Documents
from hf_efficient.data.encode import Encoded, memory_mapped
from hf_efficient.data.packing import TokenRows, as_dataset, as_packed_dataset, cut, refuse_long, split_long
from hf_efficient.data.token_rows import token_rows
from hf_efficient.errors import DataError, RecipeError, did_you_mean
from hf_efficient.losses import IGNORED, Supervised, chunked_cross_entropy, next_token, next_token_items
from hf_efficient.tasks.packing import check_packing

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

    from hf_efficient.recipe.data import DataSection
    from hf_efficient.recipe.task import Generation, TaskSection

Place = Callable[[str], str]

METRICS: Final = ("perplexity", "token_accuracy")


@dataclass(frozen=True)
class CausalLM:
    """The task, as the recipe and the columns of the rows describe it."""

    columns: Documents
    packing: bool
    """Whether rows share sequences."""
    metric_names: tuple[str, ...]
    generation: Generation
    """How a trained model goes on with a prompt."""
    place: Place = str

    name = "text-generation"
    auto_model = "AutoModelForCausalLM"
    rules = Documents.of

    @classmethod
    def learn(cls, section: TaskSection, data: DataSection, tables: DatasetDict, place: Place) -> CausalLM:
        """The task that the recipe and the training rows describe.

        Raises:
            RecipeError: a column or metric that does not exist, or columns of two kinds of rows.
            DataError: the column of texts can't be told.
        """
        return cls._of(section, data, tables["train"], place)

    @classmethod
    def restore(cls, section: TaskSection, data: DataSection, table: Dataset, config: Any, place: Place) -> CausalLM:
        """The task of a trained model, to score a table that it has not seen.

        Raises:
            RecipeError, DataError: as `learn`.
        """
        return cls._of(section, data, table, place)

    @classmethod
    def _of(cls, section: TaskSection, data: DataSection, table: Dataset, place: Place) -> CausalLM:
        for name in section.metrics or ():
            if name not in METRICS:
                raise RecipeError(
                    f"{place('task.metrics')}: {name} is no metric of a language model ({', '.join(METRICS)})."
                    f"{did_you_mean(name, METRICS)}"
                )
        columns = Documents.of(data.columns, table, place)
        packing = not data.streaming and (columns.kind == "text" if data.packing is None else data.packing)
        return cls(columns, packing, section.metrics or METRICS, section.generation, place)

    def bind(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> CausalLM:
        """The task itself, once the model is seen to keep packed rows apart.

        Raises:
            PlanError: it does not.
        """
        if self.packing:
            check_packing(model, self.place("data.packing"))
        return self

    def config(self) -> dict[str, Any]:
        """Nothing: the model is the one that was pretrained."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What the report says of the task."""
        return {"problem": "next_token", "labels": [], "rows": self.columns.kind, "packing": self.packing}

    def encode(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: bool, split: str
    ) -> Encoded:
        """Sequences of `input_ids`, `labels` and `length`; where rows share one, `position_ids` begin anew at each.

        Raises:
            DataError: documents that can't be used, are longer than allowed, or leave nothing to be learnt.
            PlanError: conversations, and the tokenizer has no chat template.
        """
        from hf_efficient.assets.cache import cache_root

        rows = token_rows(self.columns, table, tokenizer, split=split, cache=cache_root() / "encoded")
        if not truncation:
            refuse_long(rows, max_length, split)
        in_pieces = self.packing and self.columns.kind == "text"
        num_truncated = 0 if in_pieces else int((rows.lengths > max_length).sum())
        fitting = _with_targets(split_long(rows, max_length) if in_pieces else cut(rows, max_length), split)
        dataset = as_packed_dataset(fitting, max_length) if self.packing else as_dataset(fitting)
        return Encoded(memory_mapped(dataset, cache_root() / "encoded"), num_truncated)

    def encode_batch(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: bool, split: str
    ) -> Dataset:
        """Some rows of a stream, encoded likewise; one of which no token can be learnt stays, and adds nothing.

        Raises:
            DataError: documents that can't be used, are longer than allowed, or have no token at all.
            PlanError: conversations, and the tokenizer has no chat template.
        """
        rows = token_rows(self.columns, table, tokenizer, split=split, cache=None)
        if not truncation:
            refuse_long(rows, max_length, split)
        if not rows.lengths.all():
            number = int(np.argmin(rows.lengths)) + 1
            raise DataError(f"{split} row {number}: expected a text of at least one token, found none; drop the row")
        return as_dataset(cut(rows, max_length))

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches padded to their longest sequence, on the right."""
        return _Collator(int(tokenizer.pad_token_id or 0))

    def loss(self, *, label_smoothing: float = 0.0) -> Supervised:
        """The cross-entropy of each next token."""
        return next_token(label_smoothing=label_smoothing)

    def preprocess_logits_for_metrics(self, logits: Any, labels: Tensor) -> Tensor:
        """Sum of losses, number of tokens predicted right, and number of tokens of each sample, shape (samples, 3).

        What an evaluation keeps instead of logits, of which one batch can fill a memory.
        """
        items = next_token_items(logits[0] if isinstance(logits, tuple) else logits, labels)
        right = (items.logits.argmax(-1) == items.targets) & items.mask
        facts = torch.stack([chunked_cross_entropy(items), right.float(), items.mask.float()], dim=1)
        return facts.new_zeros(len(labels), 3).index_add_(0, items.sample, facts)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float | None]:
        """Perplexity, the exponential of the mean loss of all tokens, and the share of tokens predicted right."""
        loss, right, count = np.asarray(prediction.predictions, dtype=np.float64).sum(axis=0)
        mean = loss / count if count else math.nan
        values = {"perplexity": _finite(np.exp(mean)), "token_accuracy": _finite(right / count if count else math.nan)}
        return {name: values[name] for name in self.metric_names}

    def greater_is_better(self, metric: str) -> bool:
        """Whether a larger value of the metric is an improvement."""
        return metric == "token_accuracy"

    def predictions(self, logits: Any, rows: Dataset, /) -> list[dict[str, Any]]:
        """None: a language model's predictions are generated, by `PromptCompletion`."""
        raise NotImplementedError


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _with_targets(rows: TokenRows, split: str) -> TokenRows:
    """The rows of which a token can be learnt: not the first, which nothing comes before."""
    targets = np.concatenate([[0], np.cumsum(rows.learnt)])
    first = np.minimum(rows.starts + 1, rows.starts + rows.lengths)
    kept = targets[rows.starts + rows.lengths] > targets[first]
    if not kept.any():
        raise DataError(f"{split}: expected rows of which a token can be learnt, found none in {len(kept)}")
    return rows.take(rows.starts[kept], rows.lengths[kept])


@dataclass(frozen=True)
class _Collator:
    """Pads on the right, where a causal model's other positions don't see it.

    Shared sequences go without an attention mask: transformers tells their rows apart by `position_ids`, but only where
    there is no mask (transformers 5.23, `masking_utils._preprocess_mask_arguments`).
    """

    pad_token_id: int

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        fillings = {"input_ids": self.pad_token_id, "labels": IGNORED, "position_ids": 0}
        names = [name for name in fillings if name in features[0]]
        batch = {name: _padded([row[name] for row in features], fillings[name]) for name in names}
        if "position_ids" not in batch:
            batch["attention_mask"] = _padded([[1] * len(row["input_ids"]) for row in features], 0)
        return batch


def _padded(rows: Sequence[Sequence[int]], filling: int) -> Tensor:
    """A tensor of integers, shape (rows, longest)."""
    tensors = [torch.as_tensor(row, dtype=torch.long) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=filling)
