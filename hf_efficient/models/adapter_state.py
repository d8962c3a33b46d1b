"""What a checkpoint keeps of an adapter, so that training goes on from it bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from peft import PeftModel, PeftType, load_peft_weights, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from hf_efficient.data.files import first_line
from hf_efficient.errors import RunDirectoryError
from hf_efficient.models.adapters import ADAPTER, save_adapter

STATE: Final = "adapter_state.safetensors"
"""Beside peft's own file, which holds virtual tokens without the network that makes them, and of AdaLoRA only the
ranks that are left, without the scores that the next ones are chosen by."""

_SCORES: Final = ("exp_avg_ipt", "exp_avg_unc")


def save_checkpoint(model: PeftModel, folder: str | Path) -> None:
    """Write the adapter and the head as peft does, and what of their training peft leaves out."""
    save_adapter(model, folder)
    config = model.active_peft_config
    if config.is_prompt_learning or config.peft_type == PeftType.ADALORA:
        pattern = json.dumps(getattr(config, "rank_pattern", None))
        save_file(dict(_state(model)), Path(folder) / STATE, metadata={"rank_pattern": pattern})


def _state(model: PeftModel) -> Iterator[tuple[str, Tensor]]:
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            yield f"weight:{name}", weight.detach().contiguous()
    allocator = getattr(model.base_model, "rankallocator", None)
    for kind in _SCORES if allocator is not None else ():
        yield from ((f"{kind}:{name}", score) for name, score in getattr(allocator, kind).items())


def load_checkpoint(model: Any, folder: str | Path) -> None:
    """Give an adapter and its head what a checkpoint has of them.

    Raises:
        RunDirectoryError: it has other weights than are trained.
    """
    if not (Path(folder) / STATE).is_file():
        saved = load_peft_weights(str(folder), device="cpu")
        _load(model, lambda: set_peft_model_state_dict(model, saved, adapter_name=ADAPTER), folder)
        return
    with safe_open(Path(folder) / STATE, framework="pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        pattern = json.loads(file.metadata()["rank_pattern"])
    _load(model, lambda: model.load_state_dict(_of_kind(state, "weight"), strict=False), folder)
    if pattern is not None:
        model.active_peft_config.rank_pattern = pattern
    allocator = getattr(model.base_model, "rankallocator", None)
    if allocator is not None:
        device = next(model.parameters()).device
        for kind in _SCORES:
            setattr(allocator, kind, {name: score.to(device) for name, score in _of_kind(state, kind).items()})
        allocator.ipt = {name: torch.zeros_like(score) for name, score in allocator.exp_avg_ipt.items()}


def _load(model: Any, load: Callable[[], Any], folder: str | Path) -> None:
    """Refuse a checkpoint that knows other weights, or leaves one that is trained as it is."""
    try:
        found = load()
    except (KeyError, RuntimeError) as error:  # no weight of the head; other shapes
        raise _of_others(folder, first_line(error)) from error
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    if different := sorted({*found.unexpected_keys, *(trained & {*found.missing_keys})}):
        raise _of_others(folder, ", ".join(different[:3]))


def _of_others(folder: str | Path, found: str) -> RunDirectoryError:
    return RunDirectoryError(
        f"{folder}: expected the weights of this adapter and its head, found others ({found}); delete this "
        "checkpoint, or choose another training.output_dir."
    )


def _of_kind(state: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{kind}:"): tensor for name, tensor in state.items() if name.startswith(f"{kind}:")}
