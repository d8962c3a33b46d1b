"""A learned map from the student's hidden states to the width of the teacher's."""

from __future__ import annotations

from typing import Any, Final, Literal

from torch import Tensor, nn

from hf_efficient.models.taps import Taps

PROJECTION: Final = "distill_projection"
"""Name of the map while it hangs on the student."""


class Projection:
    """A linear map of the student's width to another, shared by all layers; TinyBERT's W_h (arXiv 1909.10351).

    Layers write into one stream of hidden states, so one map fits all of them; a map of its own for each would learn
    what the layer should. While the student trains the map hangs on it: so the optimizer moves it, processes agree on
    it, and checkpoints hold it. `take_off` leaves the student as it was.
    """

    def __init__(self, student: Taps, width: int) -> None:
        self._taps = student
        self._model = student.model
        self._map = nn.Linear(student.width, width)
        self._layers: list[int] = []
        self._projected: dict[int, Tensor] = {}
        self._model.add_module(PROJECTION, self._map)
        self._hook = self._model.register_forward_hook(self._project)

    @property
    def note(self) -> str:
        """What the user should know of it."""
        widths = f"width {self._map.in_features} to the teacher's {self._map.out_features}"
        return f"a learned map brings hidden states of {widths}; it is not saved in model/"

    def tap(self, layer: int, role: Literal["hidden"]) -> None:
        """Project from now on what this layer computes."""
        self._layers.append(layer)
        self._taps.tap(layer, role)

    def _project(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if module.training:
            self._projected = {layer: self._map(self._taps.hidden(layer).float()) for layer in self._layers}
            # DDP looks for the weights that a step uses in what the model gives (torch 2.13).
            output["hidden_states"] = tuple(self._projected.values())

    def hidden(self, layer: int) -> Tensor:
        """Hidden states of a layer in the other width, (samples, tokens, width)."""
        return self._projected[layer]

    def take_off(self) -> None:
        """Leave the student without the map."""
        self._hook.remove()
        if hasattr(self._model, PROJECTION):
            delattr(self._model, PROJECTION)
