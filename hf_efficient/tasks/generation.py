"""How a model generates where nothing is left to chance."""

from __future__ import annotations

import copy
from typing import Final

from transformers import GenerationConfig

_OF_SAMPLING: Final = ("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")
_OF_BEAMS: Final = ("early_stopping", "length_penalty")
"""Settings of generation that mean nothing without sampling, or with one beam; transformers refuses to save them."""


def without_chance(own: GenerationConfig, *, num_beams: int, max_new_tokens: int) -> GenerationConfig:
    """The model's own settings of generation, with these in their place; nothing is drawn by chance."""
    idle = (*_OF_SAMPLING, *(_OF_BEAMS if num_beams == 1 else ()), "max_length")
    config = copy.deepcopy(own)
    config.update(  # type: ignore[no-untyped-call]
        **dict.fromkeys(idle), do_sample=False, num_beams=num_beams, max_new_tokens=max_new_tokens
    )
    return config
