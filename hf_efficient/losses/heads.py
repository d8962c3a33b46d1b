"""Row losses for the heads of transformers' own models, so that a bare `EfficientTrainer` scales them right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hf_efficient.errors import PlanError
from hf_efficient.losses.causal_lm import chunked_cross_entropy, next_token_items
from hf_efficient.losses.rows import Batch, Loss, Rows
from hf_efficient.losses.supervised import (
    Supervised,
    binary_cross_entropy,
    cross_entropy,
    multi_label_items,
    regression_items,
    single_label_items,
    squared_error,
    token_items,
)

CLASSIFICATION_HEADS = ("ForSequenceClassification", "ForImageClassification")
"""Endings of the classes whose head gives one vector of logits per sample."""
TOKEN_HEAD = "ForTokenClassification"
"""Ending of the classes whose head gives one vector of logits per token."""
CAUSAL_HEADS = ("ForCausalLM", "GPT2LMHeadModel")
"""Endings of the classes whose head gives the logits of the next token at each position."""
SEQ2SEQ_MODELS = ("bart", "longt5", "marian", "mbart", "mt5", "mvp", "pegasus", "plbart", "t5", "umt5")
"""Model types whose decoder gives the logits of each target token, and whose own loss is their cross-entropy alone."""
SEQ2SEQ_HEADS = ("ForConditionalGeneration", "MTModel")
"""Endings of their classes."""


OWN_CODE = ("transformers.models.", "hf_efficient.models.")
"""Where classes live whose forward pass is known; a subclass elsewhere may compute a loss of its own."""


def known_head(model: nn.Module, *, label_smoothing: float = 0.0) -> Loss | None:
    """The row loss of the model's head, or None where the model must keep its own loss."""
    name = type(model).__name__
    if not type(model).__module__.startswith(OWN_CODE):
        return None
    if name.endswith(TOKEN_HEAD):
        return supervised_tokens(label_smoothing=label_smoothing)
    if name.endswith(SEQ2SEQ_HEADS) and getattr(model.config, "model_type", None) in SEQ2SEQ_MODELS:
        return target_tokens(label_smoothing=label_smoothing)
    if name.endswith(CAUSAL_HEADS) and _has_no_other_loss(model):
        return next_token(label_smoothing=label_smoothing)
    return HeadLoss(model.config, label_smoothing) if name.endswith(CLASSIFICATION_HEADS) else None


def _has_no_other_loss(model: nn.Module) -> bool:
    """Whether a language model's loss is that of the next token alone; mixtures of experts may add their router's."""
    if not isinstance(model, PreTrainedModel) or model.config.is_encoder_decoder:
        return False
    return model.loss_type in ("ForCausalLM", None) and not getattr(model.config, "output_router_logits", False)


@dataclass(frozen=True)
class HeadLoss:
    """The loss of a classification head, chosen as transformers does: by `problem_type`, else by the labels' type."""

    config: Any
    label_smoothing: float = 0.0
    name: str = "labels"
    weight: float = 1.0

    def count(self, batch: Mapping[str, Any]) -> Tensor | int:
        """Rows with a label.

        Raises:
            DataError: the batch has no labels.
        """
        return self._supervised(batch.get("labels")).count(batch)

    def rows(self, batch: Batch) -> Rows:
        """Loss of each sample."""
        return self._supervised(batch.side["labels"]).rows(batch)

    def _supervised(self, labels: Tensor | None) -> Supervised:
        if self.config.problem_type is None and labels is not None:
            # transformers writes the guess into the configuration at the first batch; saved models carry it.
            self.config.problem_type = _guess_problem(self.config.num_labels, labels)
        problem = self.config.problem_type or "single_label_classification"
        return supervised(problem, label_smoothing=self.label_smoothing)


def supervised(problem_type: str, *, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> Supervised:
    """The labels' loss for one of transformers' three `problem_type`s.

    Raises:
        PlanError: label smoothing or class weights where they have no meaning.

    """
    if label_smoothing and problem_type != "single_label_classification":
        raise PlanError(
            f"label_smoothing_factor = {label_smoothing} needs one class per row, and this is {problem_type}; "
            "remove it."
        )
    if problem_type == "regression":
        if class_weights is not None:
            raise PlanError("class_weights need classes, and this is a regression; remove them.")
        return Supervised(regression_items, squared_error, per_sample=True)
    if problem_type == "multi_label_classification":
        row_loss = partial(binary_cross_entropy, class_weights=class_weights)
        return Supervised(multi_label_items, row_loss, per_sample=True)
    return Supervised(
        single_label_items, partial(cross_entropy, class_weights=class_weights, label_smoothing=label_smoothing)
    )


def supervised_tokens(*, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> Supervised:
    """The labels' loss where each token has one class, or -100."""
    return Supervised(token_items, partial(cross_entropy, class_weights=class_weights, label_smoothing=label_smoothing))


def next_token(*, label_smoothing: float = 0.0) -> Supervised:
    """The loss of a causal language model: labels are the tokens themselves, -100 where one is not to be learnt."""
    return Supervised(next_token_items, partial(chunked_cross_entropy, label_smoothing=label_smoothing), shifted=True)


def target_tokens(*, label_smoothing: float = 0.0) -> Supervised:
    """The loss of an encoder-decoder: labels are the tokens of the target, -100 where there is none."""
    return Supervised(token_items, partial(chunked_cross_entropy, label_smoothing=label_smoothing))


def _guess_problem(num_labels: int, labels: Tensor) -> str:
    if num_labels == 1:
        return "regression"
    if labels.dtype in (torch.long, torch.int):
        return "single_label_classification"
    return "multi_label_classification"
