"""Tiny models and rows, made from configurations: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import transformers

VOCAB = 48
LENGTH = 6
NUM_LABELS = 3
PROBLEMS = ("single_label_classification", "multi_label_classification", "regression")

_TEXT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
_NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def _bert(**heads: Any) -> Any:
    config = transformers.BertConfig(vocab_size=VOCAB, max_position_embeddings=16, **_TEXT, **_NO_DROPOUT, **heads)
    return transformers.BertForSequenceClassification(config)


def _distilbert(**heads: Any) -> Any:
    config = transformers.DistilBertConfig(
        vocab_size=VOCAB,
        max_position_embeddings=16,
        dim=16,
        n_layers=2,
        n_heads=2,
        hidden_dim=24,
        dropout=0.0,
        attention_dropout=0.0,
        seq_classif_dropout=0.0,
        **heads,
    )
    return transformers.DistilBertForSequenceClassification(config)


def _roberta(**heads: Any) -> Any:
    config = transformers.RobertaConfig(vocab_size=VOCAB, max_position_embeddings=20, **_TEXT, **_NO_DROPOUT, **heads)
    return transformers.RobertaForSequenceClassification(config)


def _mpnet(**heads: Any) -> Any:
    config = transformers.MPNetConfig(vocab_size=VOCAB, max_position_embeddings=20, **_TEXT, **_NO_DROPOUT, **heads)
    return transformers.MPNetForSequenceClassification(config)


def _vit(**heads: Any) -> Any:
    config = transformers.ViTConfig(image_size=8, patch_size=4, **_TEXT, **_NO_DROPOUT, **heads)
    return transformers.ViTForImageClassification(config)


MODELS: dict[str, Callable[..., Any]] = {
    "bert": _bert,
    "distilbert": _distilbert,
    "roberta": _roberta,
    "mpnet": _mpnet,
    "vit": _vit,
}


def _t5(dropout: float) -> Any:
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}
    config = transformers.T5Config(
        vocab_size=VOCAB, dropout_rate=dropout, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, **sizes
    )
    return transformers.T5ForConditionalGeneration(config)


def _bart_like(kind: str, dropout: float) -> Any:
    side = {"layers": 2, "attention_heads": 2, "ffn_dim": 24}
    sizes = {f"{part}_{name}": value for part in ("encoder", "decoder") for name, value in side.items()}
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1, "forced_eos_token_id": 1}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=VOCAB,
        d_model=16,
        max_position_embeddings=16,
        dropout=dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        decoder_start_token_id=2,
        **sizes,
        **ids,
    )
    return transformers.AutoModelForSeq2SeqLM.from_config(config)


SEQ2SEQ_MODELS: dict[str, Callable[[float], Any]] = {
    "t5": _t5,
    **{kind.lower(): partial(_bart_like, kind) for kind in ("Bart", "MBart", "Marian")},
}


@dataclass(frozen=True)
class Case:
    """One architecture with one kind of labels."""

    model: str
    problem: str
    dropout: float | None = None
    collator: ClassVar[Any] = None
    """Rows of one length need no other than the Trainer's own."""

    def make_model(self) -> Any:
        """The model, with the same weights at every call."""
        torch.manual_seed(0)
        num_labels = 1 if self.problem == "regression" else NUM_LABELS
        model = MODELS[self.model](num_labels=num_labels, problem_type=self.problem)
        if self.dropout is not None:
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = self.dropout
        return model

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Rows that the model takes, the same at every call."""
        generator = torch.Generator().manual_seed(1)
        return [{**self._inputs(generator), "labels": self._label(generator)} for _ in range(count)]

    def _inputs(self, generator: torch.Generator) -> dict[str, Any]:
        if self.model == "vit":
            return {"pixel_values": torch.rand(3, 8, 8, generator=generator)}
        ids = torch.randint(4, VOCAB, (LENGTH,), generator=generator)
        return {"input_ids": ids, "attention_mask": torch.ones(LENGTH, dtype=torch.long)}

    def _label(self, generator: torch.Generator) -> Any:
        if self.problem == "regression":
            return float(torch.randn((), generator=generator))
        if self.problem == "multi_label_classification":
            return torch.randint(0, 2, (NUM_LABELS,), generator=generator).float()
        return int(torch.randint(0, NUM_LABELS, (), generator=generator))


@dataclass(frozen=True)
class TokenCase:
    """One architecture with one class a token; rows are of several lengths, and many tokens have no label."""

    model: str

    def make_model(self) -> Any:
        """The model, with the same weights at every call."""
        config = MODELS[self.model](num_labels=NUM_LABELS).config
        torch.manual_seed(0)
        return transformers.AutoModelForTokenClassification.from_config(config)

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Rows of 3 to 9 tokens, the same at every call; the first token, and each with an odd id, has no label."""
        generator = torch.Generator().manual_seed(1)
        return [self._row(generator) for _ in range(count)]

    def _row(self, generator: torch.Generator) -> dict[str, Any]:
        length = int(torch.randint(3, 10, (), generator=generator))
        ids = torch.randint(4, VOCAB, (length,), generator=generator)
        labels = torch.randint(0, NUM_LABELS, (length,), generator=generator)
        labels[(ids % 2 == 1) | (torch.arange(length) == 0)] = -100
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

    @staticmethod
    def collator(rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch padded to its longest row, with the token that RoBERTa counts no position for."""
        fill = {"input_ids": 1, "attention_mask": 0, "labels": -100}
        return {
            name: torch.nn.utils.rnn.pad_sequence([row[name] for row in rows], batch_first=True, padding_value=value)
            for name, value in fill.items()
        }


@dataclass(frozen=True)
class Seq2SeqCase:
    """One encoder-decoder architecture; sources and targets are of several lengths."""

    model: str
    dropout: float = 0.0

    def make_model(self) -> Any:
        """The model, with the same weights at every call."""
        torch.manual_seed(0)
        return SEQ2SEQ_MODELS[self.model](self.dropout)

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Sources of 3 to 7 tokens and targets of 2 to 9, the same at every call."""
        generator = torch.Generator().manual_seed(1)
        return [self._row(generator) for _ in range(count)]

    def _row(self, generator: torch.Generator) -> dict[str, Any]:
        source, target = (
            torch.randint(4, VOCAB, (int(torch.randint(*ends, (), generator=generator)),), generator=generator)
            for ends in ((3, 8), (2, 10))
        )
        return {"input_ids": source, "attention_mask": torch.ones_like(source), "labels": target}

    @staticmethod
    def collator(rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch padded to its longest source and target; what the decoder reads is for the trainer to make."""
        fill = {"input_ids": 0, "attention_mask": 0, "labels": -100}
        return {
            name: torch.nn.utils.rnn.pad_sequence([row[name] for row in rows], batch_first=True, padding_value=value)
            for name, value in fill.items()
        }
