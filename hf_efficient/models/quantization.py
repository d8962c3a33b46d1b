"""Models whose linear layers are kept in few bits, by bitsandbytes."""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import BitsAndBytesConfig, PreTrainedModel

from hf_efficient.models.depth import head_modules

_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "int8": {"load_in_8bit": True},
}


def quantized(kind: str | None, auto_model: Any, config: Any) -> dict[str, Any]:
    """What `from_pretrained` is to be told, so that all linear layers but the head's are quantised.

    By itself transformers 5.23 spares the output of a language model, and quantises a classifier. Norms, embeddings and
    the head keep the number format that the model is loaded in.
    """
    if kind is None:
        return {}
    with torch.device("meta"):
        head = head_modules(auto_model.from_config(config))
    return {"quantization_config": BitsAndBytesConfig(**_SETTINGS[kind], llm_int8_skip_modules=head or None)}  # type: ignore[no-untyped-call]


def same_in_evaluation(model: nn.Module) -> None:
    """Have quantised layers compute in evaluation what they compute in training.

    On CPUs with AVX512-BF16, bitsandbytes 0.50 packs 4-bit weights anew at the first evaluation, for a kernel that
    rounds to bf16, takes certain widths alone and has no backward pass: training would go on with it, and without the
    gradients of all layers below.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010


def is_quantized(model: Any) -> bool:
    """Whether some weights of a model are kept in few bits."""
    return getattr(model, "quantization_method", None) is not None


def numel(weight: Tensor) -> int:
    """Numbers that a weight stands for; bitsandbytes packs two of 4 bits into a byte."""
    return weight.numel() * (2 if type(weight).__name__ == "Params4bit" else 1)


def dequantized(model: Any) -> PreTrainedModel:
    """The plain model in fp32 whose weights are those that the few bits stand for; the quantised one is used up.

    It is a new one, since transformers 5.23 can't save a model that has once been quantised.
    """
    whole = model.dequantize(dtype=torch.float32)
    config = copy.deepcopy(whole.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain: PreTrainedModel = type(whole)(config)
    plain.load_state_dict(whole.state_dict())
    if whole.can_generate():
        plain.generation_config = whole.generation_config
    return plain


def left_to_train(model: nn.Module, name: str) -> bool:
    """Whether a module's weights may be trained; where they are quantised, whether those around it may."""
    while True:
        module = model.get_submodule(name)
        weights = [weight for weight in module.parameters() if weight.is_floating_point()]
        if weights or not name:
            return any(weight.requires_grad for weight in weights)
        name = name.rpartition(".")[0]
