"""What the decoder of an encoder-decoder model reads while it is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DecoderInputs:
    """A collator whose batches hold `decoder_input_ids`, made of their labels where `collate` has made none.

    The trainer keeps the labels for the loss, and without labels a model can't make these itself.
    """

    collate: Callable[[Any], Any]
    shift: Callable[[Tensor], Tensor]
    """The model's own `prepare_decoder_input_ids_from_labels`: labels (samples, tokens) one place to the right."""

    def __call__(self, features: Any) -> Any:
        """The batch, with `decoder_input_ids` where it has labels and none of them yet."""
        batch = self.collate(features)
        if "labels" in batch and "decoder_input_ids" not in batch:
            batch["decoder_input_ids"] = self.shift(batch["labels"])
        return batch
