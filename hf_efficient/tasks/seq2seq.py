"""Sequence to sequence: a text is made of a text, as in translation and summarisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from datasets import concatenate_datasets

from hf_efficient.data.columns import read_texts, read_weights
from hf_efficient.data.decoder_inputs import DecoderInputs
from hf_efficient.data.encode import Encoded, Texts, num_truncated, tokenise
from hf_efficient.data.targets import TargetRoles, TargetRules, has_targets, read_targets, resolve_target_columns
from hf_efficient.errors import DataError, PlanError, RecipeError, did_you_mean
from hf_efficient.losses import IGNORED, Supervised, target_tokens
from hf_efficient.tasks.generation import without_chance
from hf_efficient.tasks.row_by_row import RowByRow
from hf_efficient.tasks.text_metrics import TEXT_METRICS, score_texts

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import EvalPrediction, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

    from hf_efficient.recipe.data import DataSection
    from hf_efficient.recipe.task import Generation, TaskSection

Place = Callable[[str], str]

DEFAULT_NEW_TOKENS: Final = 128
"""Tokens of a generated text at most, unless the recipe says otherwise or the model takes fewer."""


@dataclass(frozen=True)
class Text2TextGeneration(RowByRow):
    """The task, learnt from the recipe; `bind` makes it that of one model and tokenizer."""

    columns: TargetRoles
    prefix: str
    max_target_length: int | None
    generation: Generation
    metric_names: tuple[str, ...]
    place: Place = str
    positions: int | None = None
    """Tokens that the model's decoder can read, or None where it has no bound."""
    tokenizer: PreTrainedTokenizerBase | None = None
    shift: Callable[[Tensor], Tensor] | None = None
    """The model's own way from labels to what its decoder reads."""

    name = "text2text-generation"
    auto_model = "AutoModelForSeq2SeqLM"
    rules = TargetRules.of

    @classmethod
    def learn(cls, section: TaskSection, data: DataSection, tables: DatasetDict, place: Place) -> Text2TextGeneration:
        """The task that the recipe describes.

        Raises:
            RecipeError: a column or metric that does not exist.
        """
        return cls.restore(section, data, tables["train"], None, place)

    @classmethod
    def restore(
        cls, section: TaskSection, data: DataSection, table: Dataset, config: Any, place: Place
    ) -> Text2TextGeneration:
        """The task of a trained model, to score or predict a table that it has not seen.

        Raises:
            RecipeError: a column or metric that does not exist.
        """
        columns = resolve_target_columns(data.columns, table, place)
        metrics = _metrics(section, place)
        return cls(columns, section.prefix or "", data.max_target_length, section.generation, metrics, place)

    def bind(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Text2TextGeneration:
        """The task of this model, which from now on generates as the recipe says and is saved so.

        Raises:
            PlanError: the model has no decoder for texts, or can't write as many tokens as the recipe says.
        """
        if getattr(model.config, "decoder_start_token_id", None) is None:
            raise PlanError(
                f"{self.place('model.name')}: expected an encoder-decoder model with a decoder_start_token_id in its "
                f"configuration, found {type(model).__name__} without; set model.config.decoder_start_token_id, or "
                "choose another model"
            )
        positions = _decoder_positions(model.config)
        self._check_lengths(positions)
        model.generation_config = _generation_config(model.generation_config, self.generation, positions)
        shift = getattr(model, "prepare_decoder_input_ids_from_labels", None) or partial(shift_right, model.config)
        return replace(self, positions=positions, tokenizer=tokenizer, shift=shift)

    def _check_lengths(self, positions: int | None) -> None:
        wanted = {
            "data.max_target_length": self.max_target_length,
            "task.generation.max_new_tokens": self.generation.max_new_tokens,
        }
        for setting, length in wanted.items():
            if positions and length and length > positions:
                raise PlanError(
                    f"{self.place(setting)}: expected at most {positions}, the positions of the model's decoder; "
                    f"found {length}"
                )

    def config(self) -> dict[str, Any]:
        """Nothing: the model's configuration does not depend on the rows."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What the report says of the task."""
        return {"problem": "generation", "labels": []}

    def encode_rows(
        self,
        table: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        cache: Path | None,
        *,
        max_length: int,
        truncation: bool,
    ) -> Encoded:
        """Token ids and `length` of the sources; `labels`, the ids of the targets, and `sample_weight`."""
        encode = partial(tokenise, tokenizer=tokenizer, truncation=truncation, split=split, cache=cache)
        texts = [self.prefix + text for text in read_texts(table, self.columns.text, split)]
        encoded = [encode(Texts(texts), max_length=max_length)]
        rows = encoded[0].remove_columns("truncated")
        if has_targets(table, self.columns.target):
            targets = Texts(read_targets(table, self.columns.target, split), target=True)
            encoded.append(encode(targets, max_length=self._target_length(max_length)))
            rows = concatenate_datasets([rows, _as_labels(encoded[1], split)], axis=1)
        if self.columns.weight is not None and self.columns.weight in table.column_names:
            rows = rows.add_column("sample_weight", read_weights(table, self.columns.weight, split))
        return Encoded(rows, num_truncated(*encoded))

    def _target_length(self, max_length: int) -> int:
        """Tokens of a target at most."""
        wanted = self.max_target_length or max_length
        return wanted if self.positions is None else min(wanted, self.positions)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        """Batches padded to their longest source and their longest target, with what the decoder reads."""
        collate = _Collator(tokenizer)
        return collate if self.shift is None else DecoderInputs(collate, self.shift)

    def loss(self, *, label_smoothing: float = 0.0) -> Supervised:
        """Cross-entropy of each token of the targets."""
        return target_tokens(label_smoothing=label_smoothing)

    def predict_step(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Ids that the model generates from a batch (samples, tokens)."""
        assert self.tokenizer is not None
        sources = {name: inputs[name] for name in self.tokenizer.model_input_names if name in inputs}
        generated: Tensor = model.generate(**sources)
        return generated

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float | None]:
        """Metrics by name, of generated ids against the labels as the tokenizer spells them."""
        return score_texts(
            self.metric_names, self._decode(prediction.predictions), self._decode(np.asarray(prediction.label_ids))
        )

    def greater_is_better(self, metric: str) -> bool:
        """Whether a larger value of the metric is an improvement."""
        return TEXT_METRICS[metric].greater_is_better

    def predictions(self, logits: NDArray[Any], rows: Dataset, /) -> list[dict[str, Any]]:
        """One record a row, its `prediction` the text that was generated; `logits` are its ids."""
        return [{"prediction": text} for text in self._decode(logits)]

    def _decode(self, ids: Any) -> list[str]:
        assert self.tokenizer is not None
        padded = np.where(ids == IGNORED, self.tokenizer.pad_token_id, ids)
        return [text.strip() for text in self.tokenizer.batch_decode(padded, skip_special_tokens=True)]


@dataclass(frozen=True)
class _Collator:
    tokenizer: PreTrainedTokenizerBase

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        names = [name for name in self.tokenizer.model_input_names if name in features[0]]
        batch = self.tokenizer.pad([{name: row[name] for name in names} for row in features], return_tensors="pt")
        if "labels" in features[0]:
            targets = [torch.as_tensor(row["labels"], dtype=torch.long) for row in features]
            batch["labels"] = torch.nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=IGNORED)
        if "sample_weight" in features[0]:
            batch["sample_weight"] = torch.tensor([row["sample_weight"] for row in features], dtype=torch.float)
        return batch


def shift_right(config: Any, labels: Tensor) -> Tensor:
    """What a decoder reads to write `labels` (samples, tokens), for models that shift them only inside `forward`."""
    start = labels.new_full((len(labels), 1), config.decoder_start_token_id)
    shifted = torch.cat([start, labels[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == IGNORED, config.pad_token_id)


def _as_labels(targets: Dataset, split: str) -> Dataset:
    """The column `labels`.

    Raises:
        DataError: a target has no token, so that there is nothing to learn from it.
    """
    for number, length in enumerate(targets["length"], start=1):
        if length == 0:
            raise DataError(f"{split} row {number}: expected a target of at least one token, found none; drop the row")
    return targets.select_columns("input_ids").rename_column("input_ids", "labels")


def _decoder_positions(config: Any) -> int | None:
    """Tokens that the decoder's position embeddings are made for, or None where it has no such bound."""
    positions: int | None = getattr(config, "max_decoder_position_embeddings", None)
    return positions or getattr(config, "max_position_embeddings", None)


def _generation_config(own: GenerationConfig, wanted: Generation, positions: int | None) -> GenerationConfig:
    """The model's own settings of generation, with those of the recipe in their place; nothing is drawn by chance."""
    longest = min(DEFAULT_NEW_TOKENS, positions or DEFAULT_NEW_TOKENS)
    return without_chance(own, num_beams=wanted.num_beams, max_new_tokens=wanted.max_new_tokens or longest)


def _metrics(section: TaskSection, place: Place) -> tuple[str, ...]:
    for name in section.metrics or ():
        if name not in TEXT_METRICS:
            known = ", ".join(TEXT_METRICS)
            raise RecipeError(
                f"{place('task.metrics')}: {name} is no metric of texts ({known}).{did_you_mean(name, TEXT_METRICS)}"
            )
    return section.metrics or tuple(TEXT_METRICS)
