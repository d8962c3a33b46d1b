"""What the layers of a model compute on the way to its output: hidden states, queries, keys and values."""

from __future__ import annotations

import re
from typing import Any, Final

from torch import Tensor, nn
from transformers import PreTrainedModel

from hf_efficient.errors import PlanError

_ROLES: Final = {
    "queries": re.compile(r"(^|\.)(q|query)(_proj|_lin)?$"),
    "keys": re.compile(r"(^|\.)(k|key)(_proj|_lin)?$"),
    "values": re.compile(r"(^|\.)(v|value)(_proj|_lin)?$"),
}
"""Names of the linear maps that make queries, keys and values, in transformers' models."""


def layers_of(model: PreTrainedModel, place: str) -> tuple[str, nn.ModuleList]:
    """The list of a model's layers and its name.

    Raises:
        PlanError: there is none, or more than one, as in an encoder-decoder.
    """
    number = model.config.num_hidden_layers
    lists = [(name, x) for name, x in model.named_modules() if isinstance(x, nn.ModuleList) and len(x) == number]
    if len(lists) != 1:
        raise PlanError(f"{place}: the layers of {type(model).__name__} can't be told apart; take the logits alone.")
    return lists[0]


class Taps:
    """Remembers what chosen layers of a model have computed in its last forward pass."""

    def __init__(self, model: PreTrainedModel, place: str) -> None:
        self.model = model
        self.place = place
        self._found: dict[tuple[str, int], Tensor] = {}
        self._tapped: set[tuple[str, int]] = set()

    @property
    def num_layers(self) -> int:
        """Layers of the model."""
        return int(self.model.config.num_hidden_layers)

    @property
    def width(self) -> int:
        """Width of its hidden states."""
        return int(self.model.config.hidden_size)

    def tap(self, layer: int, *roles: str) -> None:
        """Remember from now on what a layer computes: `hidden`, `queries`, `keys`, `values`.

        Raises:
            PlanError: the model has no such layer, or no part in that role.
        """
        _, layers = layers_of(self.model, self.place)
        if not 0 <= layer < len(layers):
            raise PlanError(f"{self.place}: expected a layer from 0 to {len(layers) - 1}, found {layer}.")
        for role in roles:
            if (role, layer) not in self._tapped:
                self._tapped.add((role, layer))
                part = layers[layer] if role == "hidden" else self._projection(layers[layer], role)
                part.register_forward_hook(self._remember(role, layer))

    def _projection(self, layer: nn.Module, role: str) -> nn.Module:
        found = [part for name, part in layer.named_modules() if _ROLES[role].search(name)]
        if len(found) != 1:
            raise PlanError(
                f"{self.place}: the {role} of {type(self.model).__name__} can't be told apart; take distill.hidden, or "
                "the logits alone."
            )
        projection: nn.Module = found[0]
        return projection

    def _remember(self, role: str, layer: int) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            self._found[role, layer] = output if isinstance(output, Tensor) else output[0]

        return hook

    def hidden(self, layer: int) -> Tensor:
        """Hidden states that a layer gave, (samples, tokens, width)."""
        return self._found["hidden", layer]

    def heads(self, layer: int, role: str) -> Tensor:
        """Queries, keys or values of a layer, (samples, heads, tokens, width of a head)."""
        joined = self._found[role, layer]
        config = self.model.config
        of_head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        samples, tokens, _ = joined.shape
        return joined.view(samples, tokens, -1, of_head).transpose(1, 2)
