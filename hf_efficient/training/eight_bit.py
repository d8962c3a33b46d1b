"""8-bit optimizers of bitsandbytes: which weights gain, and each run's own settings."""

from __future__ import annotations

import sys
from typing import Any, Final

from torch import nn

from hf_efficient.recipe.packages import OPTIMIZERS

EIGHT_BIT_NUMEL: Final = 4096
"""Smallest weight whose state bitsandbytes keeps in 8 bits."""


def is_eight_bit(optim: str) -> bool:
    """Whether an optimizer is one of bitsandbytes' with 8-bit state."""
    package = OPTIMIZERS.get(optim)
    return package is not None and "bitsandbytes" in package.modules and optim.endswith("_8bit")


def eight_bit_weights(model: Any) -> list[nn.Parameter]:
    """The trained weights whose state is kept in 8 bits: large ones; transformers leaves embeddings out."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    trained = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in embeddings]
    return [weight for weight in trained if weight.numel() >= EIGHT_BIT_NUMEL]


def forget_overrides() -> None:
    """Take back what bitsandbytes was told of the weights of earlier runs in this process.

    Transformers has it keep embeddings in 32 bits; bitsandbytes 0.50 notes that, in a global table, for a weight's
    position in the optimizer, so that whatever weight has this position in the next run would be kept so, too, and
    the earlier model stays in memory. What an optimizer has done by its first step is not touched.
    """
    if "bitsandbytes" in sys.modules:
        from bitsandbytes.optim.optimizer import GlobalOptimManager

        GlobalOptimManager.get_instance().initialize()  # type: ignore[no-untyped-call]
