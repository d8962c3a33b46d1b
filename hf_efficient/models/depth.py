"""Where the parameters of a model stand: embeddings below, layers one on the other, the head on top."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from hf_efficient.errors import PlanError
from hf_efficient.models.taps import layers_of

_USED_BY_LAYERS = re.compile(r"relative_attention_bias|rel_embeddings|^prompt_encoder[.]")
"""Weights beside the layers that every one of them uses: MPNet's and DeBERTa's relative positions,
virtual tokens."""


@dataclass(frozen=True)
class Depth:
    """The parts of a model, from below, with the names of their parameters."""

    embeddings: tuple[str, ...]
    layers: tuple[tuple[str, ...], ...]
    """Of each layer, the lowest first."""
    head: tuple[str, ...]
    """All that comes after the layers: norm, pooler, classifier."""

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """Embeddings, each layer, head."""
        return (self.embeddings, *self.layers, self.head)


def depth_of(model: PreTrainedModel, place: str) -> Depth:
    """The parts of a model whose layers stand in one list; a weight shared by several parts belongs to the lowest.

    Raises:
        PlanError: its layers can't be told apart, as those of an encoder-decoder.
    """
    prefix, layers = layers_of(model, place)
    names = [name for name, _ in model.named_parameters()]
    of_layers = [tuple(name for name in names if name.startswith(f"{prefix}.{n}.")) for n in range(len(layers))]
    first = names.index(of_layers[0][0])
    taken = {name for layer in of_layers for name in layer}
    below = tuple(n for n in names if n not in taken and (names.index(n) < first or _USED_BY_LAYERS.search(n)))
    above = tuple(name for name in names if name not in taken and name not in below)
    return Depth(below, tuple(of_layers), above)


def head_modules(model: PreTrainedModel) -> list[str]:
    """Names of the modules whose own weights stand above the layers; none of a language model, whose head is old."""
    if model.get_output_embeddings() is not None:  # type: ignore[no-untyped-call]
        return []
    try:
        names = depth_of(model, "head").head
    except PlanError:  # the layers can't be told apart: by transformers' convention the head is beside the body
        names = tuple(n for n, _ in model.named_parameters() if not n.startswith(f"{model.base_model_prefix}."))
    return list(dict.fromkeys(name.rpartition(".")[0] for name in names))


def frozen_modules(model: nn.Module) -> list[nn.Module]:
    """The outermost modules of which no parameter is trained, containers left out."""
    found: list[nn.Module] = []

    def visit(module: nn.Module) -> None:
        weights = list(module.parameters())
        if weights and not any(weight.requires_grad for weight in weights):
            found.append(module)
            return
        for child in module.children():
            visit(child)

    visit(model)
    return found
