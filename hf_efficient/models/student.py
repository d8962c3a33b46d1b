"""Smaller models made of the weights of a fine-tuned one, the way DistilBERT was (Sanh et al. 2019, arXiv 1910.01108).

Lower layers make better students than upper ones, and layers spread from the lowest on do well (Wang et al. 2023,
arXiv 2305.15032), hence the default.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hf_efficient.errors import PlanError
from hf_efficient.models.distilbert import as_distilbert
from hf_efficient.models.taps import layers_of

_SIZES: Final = ("hidden_size", "intermediate_size", "embedding_size")
"""Fields of a configuration that shrink with the width."""
_FUSED: Final = ("gpt2", "gptj", "gpt_neox", "bloom", "falcon", "mpt", "phi3")
"""Model types whose queries, keys and values share a matrix, of which no part can be cut off by its ends."""


def student_of(
    teacher: PreTrainedModel,
    *,
    layers: int | Sequence[int] | None = None,
    width: int | None = None,
    architecture: Literal["same", "distilbert"] = "same",
    place: str = "distill.student",
) -> PreTrainedModel:
    """A model of the teacher's class with some of its layers, and the first `width` of its hidden features.

    Args:
        teacher: a model whose layers stand in a `ModuleList`, as those of all common transformers do.
        layers: which of its layers, from 0, in their order; or how many, spread evenly from the lowest on.
        width: its `hidden_size`: whole attention heads, the first ones; inner sizes shrink alike.
        architecture: `distilbert` makes a DistilBERT model of a BERT teacher.
        place: where the wish was written, for messages.

    Raises:
        PlanError: the teacher has no such layers, or can't be made narrower like that.
    """
    chosen = chosen_layers(layers, teacher.config.num_hidden_layers, place)
    config = _fewer_layers(teacher.config, chosen)
    if width is not None:
        _narrow(config, width, place)
    with torch.random.fork_rng(devices=[]):  # every weight is overwritten
        student: PreTrainedModel = type(teacher)(config)
    weights = _renumbered(teacher.state_dict(), layers_of(teacher, place)[0], chosen)
    shapes = {name: tensor.shape for name, tensor in student.state_dict().items()}
    student.load_state_dict({name: _cut(tensor, shapes[name]) for name, tensor in weights.items() if name in shapes})
    return student if architecture == "same" else as_distilbert(student, place)


def chosen_layers(layers: int | Sequence[int] | None, there_are: int, place: str = "layers") -> list[int]:
    """Numbers of the layers to take: 3 of 6 are 0, 2 and 4.

    Raises:
        PlanError: there are no such layers.
    """
    if layers is None:
        return list(range(there_are))
    if isinstance(layers, int):
        if not 1 <= layers <= there_are:
            raise PlanError(f"{place}.layers: expected 1 to {there_are}, the teacher's layers, found {layers}.")
        return [number * there_are // layers for number in range(layers)]
    if sorted(set(layers)) != list(layers) or not layers or layers[0] < 0 or layers[-1] >= there_are:
        raise PlanError(
            f"{place}.layers: expected numbers from 0 to {there_are - 1}, rising, found {', '.join(map(str, layers))}."
        )
    return list(layers)


def _fewer_layers(config: Any, chosen: list[int]) -> Any:
    fewer = copy.deepcopy(config)
    # Fields such as `layer_types` say something of each layer.
    for name, value in config.to_dict().items():
        if isinstance(value, list) and len(value) == config.num_hidden_layers and name.startswith("layer"):
            setattr(fewer, name, [value[number] for number in chosen])
    fewer.num_hidden_layers = len(chosen)
    return fewer


def _narrow(config: Any, width: int, place: str) -> None:
    heads = config.num_attention_heads
    of_head = getattr(config, "head_dim", None) or config.hidden_size // heads
    if config.model_type in _FUSED:
        raise PlanError(
            f"{place}.width: {config.model_type} keeps queries, keys and values in one matrix; take layers."
        )
    if getattr(config, "num_key_value_heads", heads) != heads:
        raise PlanError(f"{place}.width: heads that share keys and values can't be cut alike; take layers.")
    if width % of_head or not of_head <= width <= config.hidden_size:
        raise PlanError(
            f"{place}.width: expected a multiple of {of_head}, the width of a head, up to {config.hidden_size}, "
            f"found {width}."
        )
    share = width / config.hidden_size
    config.num_attention_heads = width // of_head
    if getattr(config, "num_key_value_heads", None) is not None:
        config.num_key_value_heads = width // of_head
    for name in _SIZES:
        if getattr(config, name, None) is not None:
            setattr(config, name, round(getattr(config, name) * share))


def _renumbered(weights: Mapping[str, Tensor], prefix: str, chosen: list[int]) -> dict[str, Tensor]:
    """The weights of the chosen layers under their new numbers, and all that belong to none."""
    name_of_layer = re.compile(rf"{re.escape(prefix)}\.(\d+)\.(.*)")
    renumbered = {}
    for name, tensor in weights.items():
        match = name_of_layer.fullmatch(name)
        if match is None:
            renumbered[name] = tensor
        elif int(match[1]) in chosen:
            renumbered[f"{prefix}.{chosen.index(int(match[1]))}.{match[2]}"] = tensor
    return renumbered


def _cut(tensor: Tensor, shape: torch.Size) -> Tensor:
    return tensor[tuple(slice(size) for size in shape)].clone()
