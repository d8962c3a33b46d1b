"""Models that make views, and whether they are at hand."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers import AutoTokenizer

from hf_efficient.errors import PlanError
from hf_efficient.models.at_hand import folder_of
from hf_efficient.models.checks import set_pad_token
from hf_efficient.models.load import explained, quiet
from hf_efficient.models.teacher import Loaded


def load(name: str, auto_model: str, device: Any, place: str) -> Loaded:
    """A model of a transformers auto class, frozen, in evaluation mode and in fp32, and its tokenizer.

    Raises:
        RecipeError: there is no such model.
        PlanError: it can't be loaded, or was trained for something else.
    """
    location = folder_of(name, place)
    with explained(name, place), quiet(local=True):
        model, info = getattr(transformers, auto_model).from_pretrained(
            location, dtype=torch.float32, output_loading_info=True
        )
        tokenizer: Any = AutoTokenizer.from_pretrained(location)
    if info["missing_keys"]:
        raise PlanError(
            f"{place}: {name} has no weights for {', '.join(sorted(info['missing_keys'])[:3])}; name a model that was "
            f"trained as {auto_model.removeprefix('AutoModelFor')}."
        )
    set_pad_token(tokenizer, None, place)
    return Loaded(name, model.to(device).eval().requires_grad_(False), tokenizer)
