"""Settings that this machine or this model can't give effect to, refused as soon as that is known."""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.packages import missing_packages, refuse
from hf_efficient.training.eight_bit import EIGHT_BIT_NUMEL, eight_bit_weights, is_eight_bit

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.checks import Complaint

UNPAGED: Final = {
    "paged_adamw_32bit": "adamw_torch",
    "paged_adamw_8bit": "adamw_8bit",
    "paged_lion_32bit": "lion_32bit",
    "paged_lion_8bit": "lion_8bit",
    "paged_ademamix_32bit": "ademamix",
    "paged_ademamix_8bit": "ademamix_8bit",
}
"""Paged optimizer → the same one without paging."""


# The machine: before anything is loaded.


def refuse_on_this_machine(recipe: Recipe, device: str) -> None:
    """Check the settings against the packages, the device (`cpu`, `cuda`, …) and the compilers of this machine.

    Raises:
        PlanError: one line for each setting that could not take effect.
    """
    wrong: dict[str, str] = {}
    found = (_needs_a_gpu(recipe, device), _needs_a_compiler(recipe, device), missing_packages(recipe))
    for path, message in chain(*found):
        wrong.setdefault(path, message)  # where there is no GPU, its package would not help
    refuse(recipe, wrong.items())


def _needs_a_gpu(recipe: Recipe, device: str) -> Iterator[Complaint]:
    training = recipe.training
    if device != "cpu":
        return
    if training.optim in UNPAGED:
        yield (
            "training.optim",
            f"is {training.optim}, which moves its state between GPU and host memory, and this run is on a CPU: write "
            f"{UNPAGED[training.optim]}.",
        )
    if training.use_liger_kernel:
        yield "training.use_liger_kernel", "needs a GPU, and this run is on a CPU: take it out."
    if _checkpointing_settings(recipe).get("offload"):
        yield (
            "training.activation_checkpointing_kwargs",
            "has offload, which moves activations from a GPU to host memory, and this run is on a CPU: take it out.",
        )


def _checkpointing_settings(recipe: Recipe) -> dict[str, Any]:
    """What `training.activation_checkpointing_kwargs` says; nothing where it is text, which transformers reads."""
    settings = recipe.training.activation_checkpointing_kwargs
    return settings if isinstance(settings, dict) else {}


def _needs_a_compiler(recipe: Recipe, device: str) -> Iterator[Complaint]:
    training = recipe.training
    given = [
        name for name in ("torch_compile", "torch_compile_backend", "torch_compile_mode") if getattr(training, name)
    ]
    if not given or training.torch_compile_backend not in (None, "inductor"):
        return
    lack = _lack_of_compiler() if device == "cpu" else _lack_of_triton(device)
    if lack is not None:
        yield f"training.{given[0]}", f"{lack}, or take it out."


def _lack_of_compiler() -> str | None:
    """What torch's inductor misses to compile for a CPU, and how to mend it."""
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        return f"needs a C++ compiler, and {compiler} was not found: install it, name another one in CXX"
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        return f"needs Python's headers, and {headers} has no Python.h: install them (python3-dev)"
    return None


def _lack_of_triton(device: str) -> str | None:
    if device != "cuda" or find_spec("triton") is not None:
        return None
    return "needs the package triton, which comes with torch's own builds for GPUs: install one of those"


# The model: before the rows are encoded.


def refuse_for_this_model(recipe: Recipe, model: Any) -> None:
    """Check the settings against the model.

    Raises:
        PlanError: one line for each setting that could not take effect.
    """
    checks: tuple[Callable[[Recipe, Any], Iterator[Complaint]], ...] = (_checkpoints, _eight_bit, _liger)
    refuse(recipe, chain.from_iterable(check(recipe, model) for check in checks))


def _checkpoints(recipe: Recipe, model: Any) -> Iterator[Complaint]:
    if recipe.training.activation_checkpointing and not getattr(model, "supports_gradient_checkpointing", False):
        yield (
            "training.activation_checkpointing",
            f"is not supported by {type(model).__name__}: take it out, or take a smaller batch and accumulate.",
        )


def _eight_bit(recipe: Recipe, model: Any) -> Iterator[Complaint]:
    """Transformers keeps the state of embeddings in 32 bits, and bitsandbytes that of small weights."""
    optim = recipe.training.optim
    if is_eight_bit(optim) and not eight_bit_weights(model):
        yield (
            "training.optim",
            f"is {optim}, which keeps 8 bits only for weights of {EIGHT_BIT_NUMEL:,} numbers or more that are no "
            "embeddings, and this model trains none: write adamw_torch.",
        )


def _liger(recipe: Recipe, model: Any) -> Iterator[Complaint]:
    """Liger passes over model types and settings that it does not know (liger-kernel 0.8.5)."""
    if not recipe.training.use_liger_kernel:
        return
    patches = import_module("liger_kernel.transformers.monkey_patch").MODEL_TYPE_TO_APPLY_LIGER_FN
    kind = model.config.model_type
    if kind not in patches:
        yield "training.use_liger_kernel", f"has no kernels for models of type {kind}: take it out."
        return
    known = inspect.signature(patches[kind]).parameters.keys() - {"model"}
    for name in recipe.training.liger_kernel_config or {}:
        if name not in known:
            hint = did_you_mean(name, known)
            yield "training.liger_kernel_config", f"has {name}, which Liger does not know for {kind}.{hint}"
