"""A BERT model as a DistilBERT model: no segments, no pooler, and shorter names."""

from __future__ import annotations

import re
from typing import Any, Final

import torch
import transformers
from torch import Tensor
from transformers import DistilBertConfig, PreTrainedModel

from hf_efficient.errors import PlanError

_NAMES: Final = (
    (r"bert\.pooler\.dense\.", "pre_classifier."),
    (r"bert\.encoder\.layer\.", "distilbert.transformer.layer."),
    (r"bert\.embeddings\.", "distilbert.embeddings."),
    (r"attention\.self\.(query|key|value)\.", lambda match: f"attention.{match[1][0]}_lin."),
    (r"attention\.output\.dense\.", "attention.out_lin."),
    (r"attention\.output\.LayerNorm\.", "sa_layer_norm."),
    (r"intermediate\.dense\.", "ffn.lin1."),
    (r"output\.dense\.", "ffn.lin2."),
    (r"(layer\.\d+\.)output\.LayerNorm\.", r"\1output_layer_norm."),
)
"""What BERT's names become, one after the other."""


def as_distilbert(model: PreTrainedModel, place: str) -> PreTrainedModel:
    """The model's weights in the DistilBERT class for the same task.

    The first segment's embedding is added to those of the positions, so that sentences without segments are read as
    before; BERT's pooler becomes `pre_classifier`, behind which stands a ReLU for a tanh.

    Raises:
        PlanError: the model is no BERT, or DistilBERT has no such head.
    """
    name = type(model).__name__
    if model.config.model_type != "bert" or not hasattr(transformers, f"Distil{name}"):
        raise PlanError(f"{place}.architecture: distilbert can be made from a BERT teacher, found {name}; take it out.")
    with torch.random.fork_rng(devices=[]):  # every weight is overwritten
        student: PreTrainedModel = getattr(transformers, f"Distil{name}")(_config(model.config))
    weights = {_renamed(key): value for key, value in model.state_dict().items()}
    segments = weights.pop("distilbert.embeddings.token_type_embeddings.weight")
    positions = "distilbert.embeddings.position_embeddings.weight"
    weights[positions] = weights[positions] + segments[0]
    known: dict[str, Tensor] = student.state_dict()
    student.load_state_dict({key: value for key, value in weights.items() if key in known})
    return student


def _config(config: Any) -> DistilBertConfig:
    dropout = config.classifier_dropout if config.classifier_dropout is not None else config.hidden_dropout_prob
    return DistilBertConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_position_embeddings,
        n_layers=config.num_hidden_layers,
        n_heads=config.num_attention_heads,
        dim=config.hidden_size,
        hidden_dim=config.intermediate_size,
        dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
        seq_classif_dropout=dropout,
        activation=config.hidden_act,
        initializer_range=config.initializer_range,
        pad_token_id=config.pad_token_id,
        id2label=config.id2label,
        label2id=config.label2id,
        problem_type=config.problem_type,
    )


def _renamed(key: str) -> str:
    for pattern, name in _NAMES:
        key = re.sub(pattern, name, key)
    return key
