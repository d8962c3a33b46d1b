"""Tiny models that make views, with random weights, saved as folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from hf_efficient.assets import resolve


def _saved(model: type[Any], source: str, path: Path, **fields: Any) -> str:
    """The folder of a model with the configuration and the tokenizer of a built-in asset."""
    config = transformers.AutoConfig.from_pretrained(resolve(source))
    config.update(fields)
    torch.manual_seed(0)
    model(config).save_pretrained(path)
    transformers.AutoTokenizer.from_pretrained(resolve(source)).save_pretrained(path)
    return str(path)


def save_masked_lm(path: Path) -> str:
    """A BERT that fills in words."""
    return _saved(transformers.BertForMaskedLM, "demo/tiny-bert", path)


def save_seq2seq(path: Path) -> str:
    """A T5 that reads and writes letters."""
    return _saved(transformers.T5ForConditionalGeneration, "demo/tiny-t5", path, d_model=32, d_ff=32)
