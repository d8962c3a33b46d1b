"""Adapters of peft: put on a model, kept in checkpoints, taken over by the model's own weights.

What a checkpoint keeps of one is in `adapter_state`, AdaLoRA's schedule in `techniques.peft`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from peft import PeftModel, PeftType, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.utils import ModulesToSaveWrapper
from peft.utils.constants import (
    TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
    TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING,
)
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from hf_efficient.data.files import first_line
from hf_efficient.errors import PlanError
from hf_efficient.models.depth import head_modules
from hf_efficient.models.quantization import dequantized, is_quantized, left_to_train
from hf_efficient.recipe.peft_settings import peft_method

if TYPE_CHECKING:
    from hf_efficient.recipe.peft import Peft

ADAPTER: Final = "default"
"""The name that peft gives an adapter of which there is one."""

_TASK_TYPES: Final = {
    "text-classification": "SEQ_CLS",
    "token-classification": "TOKEN_CLS",
    "text-generation": "CAUSAL_LM",
    "text2text-generation": "SEQ_2_SEQ_LM",
}
_OF_IA3: Final[dict[str, dict[str, list[str]]]] = {
    "target_modules": TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING,
    "feedforward_modules": TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
}
"""Setting → model type → endings of names of modules."""
_TARGETS: Final = {"feedforward_modules", "target_modules", "target_parameters"}
_NO_TARGETS: Final = ("adaption_prompt", "trainable_tokens")
_FOUND_BY_PEFT: Final = ("classifier", "score")
"""Heads that peft 0.21 trains and saves beside virtual tokens, whatever it is told."""
_HARMLESS: Final = (
    "is_gradient_checkpointing",
    "fan_in_fan_out",
    "CUDA",
    "Sparse invariant checks",
    "normalization.LayerNorm",
)
"""In warnings of peft 0.21 that the user can do nothing about."""


def is_adapted(model: Any) -> bool:
    """Whether a model has one adapter of peft, and that is the one put on here."""
    return isinstance(model, PeftModel) and list(model.peft_config) == [ADAPTER]


def base_model(model: Any) -> Any:
    """The model below an adapter; with virtual tokens, or without any adapter, the model itself."""
    if not isinstance(model, PeftModel) or model.active_peft_config.is_prompt_learning:
        return model
    return model.get_base_model()


def model_class(model: Any) -> Any:
    """The model whose class says what it is for, below any adapter."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


# Putting on.


def add_adapter(model: PreTrainedModel, section: Peft, task: str | None) -> tuple[PeftModel, list[str]]:
    """The model with a new adapter, which alone is trained beside the head; and what peft has to say of it.

    The adapter goes to the linear layers whose weights are trained up to now, unless the section names others. The
    head, which starts random, is trained whole and kept with the adapter.

    Raises:
        PlanError: the method does not fit the model or the task, or it reaches into what is frozen.
    """
    frozen = [name for name, module in model.named_modules() if name and _is_frozen(module)]
    settings = _completed(model, section, _trained_head(model))
    if section.is_prompt_learning:
        if task not in _TASK_TYPES:
            raise PlanError(f"peft.method: {section.method} needs a task of its own; train by a recipe, or take lora.")
        settings["task_type"] = _TASK_TYPES[task]
    if section.method == "adalora":  # known when training begins
        settings["total_step"] = settings.get("tinit", 0) + settings.get("tfinal", 0) + 1
    with refusing(f"peft: {section.method} can't be put on {type(model).__name__}"), remarks() as said:
        config = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(section.method.upper())](**settings)
        adapted: PeftModel = get_peft_model(model, config)
    _refuse_frozen(adapted, frozen)
    if section.is_prompt_learning:
        adapted.register_forward_hook(_without_virtual_tokens, with_kwargs=True)
    return adapted, said


def _trained_head(model: PreTrainedModel) -> list[str]:
    head = head_modules(model)
    for module in head:
        for name, weight in model.get_submodule(module).named_parameters(recurse=False):
            if not weight.requires_grad:
                raise PlanError(f"peft trains the head with the adapter, and {module}.{name} is frozen; freeze less.")
    return head


def _completed(model: PreTrainedModel, section: Peft, head: list[str]) -> dict[str, Any]:
    """The section's settings, with the modules that the adapter goes to and those that are trained beside it."""
    settings = section.settings
    if section.is_prompt_learning:
        ours = [name for name in head if not set(name.split(".")) & {*_FOUND_BY_PEFT}]
        return {**settings, "modules_to_save": [*(settings.get("modules_to_save") or ()), *ours]}
    if section.method not in _NO_TARGETS and not settings.keys() & _TARGETS:
        settings |= _targets(model, section.method, head)
    if not head:
        return settings
    if "modules_to_save" not in peft_method(section.method).settings:
        raise PlanError(f"peft.method: {section.method} can't train the head of {type(model).__name__}; take lora.")
    return {**settings, "modules_to_save": [*(settings.get("modules_to_save") or ()), *head]}


def _output_embeddings(model: PreTrainedModel) -> Any:
    return model.get_output_embeddings()  # type: ignore[no-untyped-call]


def _targets(model: PreTrainedModel, method: str, head: list[str]) -> dict[str, Any]:
    """Which modules the adapter goes to: IA3's by the model's type, as peft has it; otherwise all linear ones."""
    trained = dict(_trained_modules(model, head))
    if method == "ia3":
        found = {name: _ending(trained, by_type.get(model.config.model_type, ())) for name, by_type in _OF_IA3.items()}
    else:
        is_target = _is_norm if method == "ln_tuning" else _is_linear
        found = {"target_modules": [name for name, module in trained.items() if is_target(module)]}
    if not all(found.values()):
        raise PlanError(
            f"peft: {method} finds no module of {type(model).__name__} to go to among those that are not frozen; name "
            f"some in {' and '.join(f'peft.{name}' for name in found)}, or freeze less."
        )
    return found


def _ending(names: Iterable[str], endings: Sequence[str]) -> list[str]:
    return [name for name in names if f".{name}".endswith(tuple(f".{ending}" for ending in endings))]


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, (nn.Linear, Conv1D))


def _is_norm(module: nn.Module) -> bool:
    return type(module).__name__.endswith("Norm")


def _trained_modules(model: PreTrainedModel, head: list[str]) -> Iterator[tuple[str, nn.Module]]:
    output = _output_embeddings(model)
    for name, module in model.named_modules():
        owns = isinstance(getattr(module, "weight", None), Tensor)
        if owns and module is not output and name not in head and left_to_train(model, name):
            yield name, module


def _is_frozen(module: nn.Module) -> bool:
    """Whether none of a module's weights is trained, quantised ones aside, which never are."""
    weights = [weight for weight in module.parameters() if weight.is_floating_point()]
    return bool(weights) and not any(weight.requires_grad for weight in weights)


def _refuse_frozen(adapted: PeftModel, frozen: Sequence[str]) -> None:
    for name, weight in adapted.named_parameters():
        reached = name.removeprefix("base_model.model.")
        if weight.requires_grad and reached.startswith(tuple(f"{module}." for module in frozen)):
            raise PlanError(
                f"peft.target_modules reaches {reached}, in a part that is frozen; name modules above it, or freeze "
                "less."
            )


def _without_virtual_tokens(model: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """Logits of the row's own tokens: peft 0.21 also gives those of the virtual tokens before them."""
    row = kwargs.get("decoder_input_ids", kwargs.get("input_ids"))
    if row is not None and output.logits.dim() == 3:
        output["logits"] = output.logits[:, -row.shape[1] :]
    return output


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what peft, or a model that is not made for a method, fails with into one line."""
    try:
        yield
    except (AttributeError, ImportError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        said = first_line(error).rstrip(".")
        raise PlanError(f"{what}: {said}; change its settings, or take another one.") from error


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Warnings of the block as lines of text, without those that nobody can do anything about."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    lines = [" ".join(str(warning.message).split()) for warning in caught]
    said += [f"peft: {line}" for line in dict.fromkeys(lines) if not any(word in line for word in _HARMLESS)]


# AdaLoRA.


def orthogonality(model: PeftModel) -> Tensor:
    """How far AdaLoRA's factors are from orthogonal ones, on average (Zhang et al. 2023, arXiv 2303.10512, equation 4).

    Peft adds it to the loss that a model computes itself, and the trainer computes its own.
    """
    weights = dict(model.named_parameters())
    products = [weight @ weight.T for name, weight in weights.items() if "lora_A" in name]
    products += [weight.T @ weight for name, weight in weights.items() if "lora_B" in name]
    return torch.stack(
        [torch.linalg.norm(product - torch.eye(len(product)).to(product)) for product in products]
    ).mean()


def set_steps(model: Any, number: int) -> None:
    """Tell AdaLoRA how many steps the run has.

    Raises:
        PlanError: its schedule does not fit into them.
    """
    config = model.active_peft_config
    if number - config.tfinal - config.tinit < 2:
        raise PlanError(
            f"peft.tinit and peft.tfinal: {config.tinit} and {config.tfinal} of {number} steps leave fewer than two to "
            "take ranks away in; take less."
        )
    model.base_model.rankallocator.set_total_step(number)


# Keeping.


def save_adapter(model: PeftModel, folder: str | Path) -> None:
    """Write the adapter and the head as peft does."""
    with remarks():
        # Whether to save embeddings, peft 0.21 would decide by asking the Hub.
        PeftModel.save_pretrained(model, str(folder), save_embedding_layers=False)
    (Path(folder) / "README.md").unlink(missing_ok=True)  # a form that nobody has filled in


def load_adapted(base: PreTrainedModel, folder: str | Path) -> PeftModel:
    """A model with a saved adapter and head, in evaluation mode."""
    with remarks():
        adapted = PeftModel.from_pretrained(base, str(folder))
    if adapted.active_peft_config.is_prompt_learning:
        adapted.register_forward_hook(_without_virtual_tokens, with_kwargs=True)
    return adapted.eval()


def adapter_in(name: str) -> Path | None:
    """The adapter that lies in a directory, or in that of a run which has no merged model."""
    path = Path(name).expanduser()
    is_merged = (path / "model" / "config.json").is_file()
    folders = (path, *(() if is_merged else (path / "adapter",)))
    return next((folder for folder in folders if (folder / "adapter_config.json").is_file()), None)


def base_of(adapter: Path, place: str) -> str:
    """What an adapter is loaded on: the base that its run has left beside it, or the one that it names.

    Raises:
        PlanError: there is none, and it names none.
    """
    if (adapter.parent / "base" / "config.json").is_file():
        return str(adapter.parent / "base")
    name = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not name:
        raise PlanError(
            f"{place}: {adapter} does not say which model it is an adapter of; name a merged model instead."
        )
    return str(name)


# Taking over.


def can_merge(model: PeftModel) -> bool:
    """Whether the model's own weights can take over what the adapter does, as they are."""
    return not is_quantized(model) and has_weights(model)


def has_weights(model: PeftModel) -> bool:
    """Whether there are weights that do what the adapter does."""
    method = model.active_peft_config.peft_type
    return method != PeftType.LILY and hasattr(model.base_model, "merge_and_unload")


@torch.no_grad()
def merged(model: PeftModel) -> PreTrainedModel:
    """The plain model that gives what the adapted one gives; the adapted one is used up."""
    with remarks():
        plain = model.merge_and_unload()
    return _with_own_head(plain)


def merged_from(base: PreTrainedModel, folder: str | Path) -> PreTrainedModel:
    """The plain model in fp32 that a base, quantised or not, and a saved adapter come to."""
    return merged(load_adapted(dequantized(base) if is_quantized(base) else base, folder))


def unloaded(model: PeftModel) -> PreTrainedModel:
    """The plain model without its adapter, but with the head that was trained; the adapted one is used up."""
    return _with_own_head(model.get_base_model() if model.active_peft_config.is_prompt_learning else model.unload())


def _with_own_head(model: Any) -> PreTrainedModel:
    for name, module in list(model.named_modules()):
        if isinstance(module, ModulesToSaveWrapper):
            model.set_submodule(name, module.modules_to_save[ADAPTER])
    for weight in model.parameters():
        weight.requires_grad_(weight.is_floating_point())
    plain: PreTrainedModel = model
    return plain
