"""Whether a model keeps rows that share a sequence apart, found by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOLERANCE = 1e-4
"""Of the largest logit; rounding is about 1e-6, a leak of random weights about 1e-2."""


def check_packing(model: PreTrainedModel, place: str) -> None:
    """Refuse a model whose logits of a row depend on the row that stands before it in the sequence.

    Attention that does not look at `position_ids`, or a state that runs through the sequence, mixes rows silently.

    Raises:
        PlanError: with the way out.
    """
    before, row = torch.tensor([[1, 2, 3]], device=model.device), torch.tensor([[3, 1, 2, 1]], device=model.device)
    positions = torch.cat([torch.arange(3), torch.arange(4)])[None].to(model.device)
    training = model.training
    model.train(False)
    try:
        with torch.no_grad():
            alone = model(input_ids=row, use_cache=False).logits
            packed = model(input_ids=torch.cat([before, row], dim=1), position_ids=positions, use_cache=False).logits
    except TypeError as error:
        raise _refusal(model, place) from error
    finally:
        model.train(training)
    if (packed[:, 3:] - alone).abs().max() > _TOLERANCE * alone.abs().max():
        raise _refusal(model, place)


def _refusal(model: PreTrainedModel, place: str) -> PlanError:
    attention = getattr(model.config, "_attn_implementation", None)
    return PlanError(
        f"{place}: {type(model).__name__} with {attention} attention lets rows of a packed sequence see one another; "
        "set data.packing to false"
    )
