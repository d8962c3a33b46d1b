"""Which number format the forward and backward passes run in, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from hf_efficient.errors import PlanError

Format = Literal["auto", "fp32", "bf16", "fp16", "tf32"]


@dataclass(frozen=True)
class Device:
    """What a device does fast."""

    kind: str
    """`cpu`, `cuda` or `mps`."""
    bf16: Literal["fast", "present", "missing"]
    """`fast` where it beats fp32 on models of common sizes, `present` where there are instructions for it."""
    tf32: bool


@dataclass(frozen=True)
class Precision:
    """A number format, the reason for it, and the `TrainingArguments` that bring it about."""

    name: str
    reason: str
    arguments: dict[str, Any] = field(default_factory=dict)


def this_device(*, use_cpu: bool = False) -> Device:
    """The device that the run will use."""
    if not use_cpu and torch.cuda.is_available():
        ampere = torch.cuda.get_device_capability()[0] >= 8
        return Device("cuda", "fast" if ampere else "missing", tf32=ampere)
    if not use_cpu and torch.backends.mps.is_available():
        return Device("mps", "missing", tf32=False)
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("amx_bf16"):
        return Device("cpu", "fast", tf32=False)
    return Device("cpu", "present" if capabilities.get("avx512_bf16") else "missing", tf32=False)


def choose_precision(
    wanted: Format, device: Device, *, allow_slow: bool = False, place: str = "training.precision"
) -> Precision:
    """The format that a run uses.

    `auto` takes what `accelerate launch` was told, else bf16 where it is fast: on GPUs since Ampere, and on CPUs with
    AMX, where a step of MiniLM takes 0.55 of its fp32 time (benchmarks/precision.py).

    Raises:
        PlanError: the device can't do what is wanted, does it slowly, or the launcher was told otherwise.
    """
    launched = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if launched not in ("no", "bf16", "fp16"):
        raise PlanError(f"accelerate launch --mixed_precision {launched} is not supported; use no, bf16 or fp16.")
    if wanted == "auto":
        return _automatic(launched, device, allow_slow)
    if launched not in ("no", wanted):
        raise PlanError(f"{place} is {wanted}, and accelerate launch was told {launched}; make them agree.")
    _refuse_what_the_device_lacks(wanted, device, allow_slow, place)
    return Precision(wanted, f"the recipe asks for {wanted}", _ARGUMENTS[wanted])


_ARGUMENTS: dict[str, dict[str, Any]] = {
    "fp32": {},
    "bf16": {"bf16": True},
    "fp16": {"fp16": True},
    "tf32": {"tf32": True},
}


def _automatic(launched: str, device: Device, allow_slow: bool) -> Precision:
    if launched != "no":
        _refuse_what_the_device_lacks(launched, device, allow_slow, "accelerate launch --mixed_precision")
        return Precision(launched, f"accelerate launch was told {launched}", _ARGUMENTS[launched])
    if device.bf16 == "fast":
        why = (
            "this GPU has fast bf16"
            if device.kind == "cuda"
            else "this CPU has AMX, which multiplies bf16 matrices fast"
        )
        return Precision("bf16", f"auto: {why}; weights and optimizer stay fp32", _ARGUMENTS["bf16"])
    if device.kind == "cuda":
        return Precision("fp16", "auto: this GPU has fp16 units and no bf16", _ARGUMENTS["fp16"])
    return Precision("fp32", f"auto: fp32 is what this {device.kind} device does fastest", {})


def _refuse_what_the_device_lacks(wanted: str, device: Device, allow_slow: bool, place: str) -> None:
    if wanted == "tf32" and not device.tf32:
        raise PlanError(f"{place}: tf32 needs an NVIDIA GPU of the Ampere generation or later; use auto or fp32.")
    if wanted == "fp16" and device.kind == "cpu":
        raise PlanError(f"{place}: fp16 has no effect on a CPU, it would train in fp32; use auto or fp32.")
    if wanted == "bf16" and device.bf16 == "missing" and not allow_slow:
        raise PlanError(
            f"{place}: bf16 is 10 to 20 times slower than fp32 on a {device.kind} device without AVX512-BF16, AMX or "
            "Ampere; use auto, or set training.allow_slow: true to run it all the same."
        )
