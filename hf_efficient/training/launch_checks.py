"""Launches that the libraries would silently turn into something else, refused with the reason.

What a launcher was told reaches the processes as environment variables (accelerate 1.15, torch 2.13); what the
libraries make of them stands in docs/design.md §4.16.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import torch

from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe


@dataclass(frozen=True)
class Circumstances:
    """What was asked of the launcher and by the recipe, and what is there."""

    environ: Mapping[str, str]
    recipe: Recipe
    device: str
    """`cpu`, `cuda` or `mps`."""
    num_gpus: int = 0
    """GPUs that this process sees."""

    @classmethod
    def current(cls, recipe: Recipe, device: str) -> Circumstances:
        """Those of this process."""
        return cls(os.environ, recipe, device, torch.cuda.device_count() if device == "cuda" else 0)

    @property
    def world_size(self) -> int:
        """Processes that the launcher has started, on all machines."""
        return int(self.environ.get("WORLD_SIZE", 1))

    def told(self, name: str) -> bool:
        """Whether a launcher's variable says yes."""
        return self.environ.get(name, "").lower() in ("1", "true", "yes")

    def gives(self, name: str) -> bool:
        """Whether the recipe has a setting under `training:` with this name, and it is not off."""
        return bool(getattr(self.recipe.training, name))


def check_launch(found: Circumstances, *, trains: bool = True) -> None:
    """Refuse a launch that would silently be something else, for scoring alone or also for training.

    Raises:
        PlanError: the first reason found.
    """
    always = (_processes, _network, _devices, _parallelism, _others)
    for check in (*always, *((_fsdp, _deepspeed, _accelerator, _batch) if trains else ())):
        for complaint in check(found):
            raise PlanError(complaint)


def _processes(found: Circumstances) -> Iterator[str]:
    # accelerate's launcher of one process is the only one that sets the first, and sets the second only for several.
    alone = "LOCAL_RANK" not in found.environ and found.world_size == 1
    if alone and "ACCELERATE_USE_CPU" in found.environ and "MASTER_ADDR" in found.environ and not _by_mpi(found):
        yield (
            "accelerate launch was asked for several processes and has started one, as it does with --cpu and "
            "MULTI_CPU: use `torchrun --nproc_per_node N` or configs/accelerate/cpu_2_processes.yaml; for one process, "
            "--num_processes 1 and no MASTER_ADDR in the environment."
        )


def _by_mpi(found: Circumstances) -> bool:
    sizes = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
    return any(int(found.environ.get(name, 1)) > 1 for name in sizes)


def _network(found: Circumstances) -> Iterator[str]:
    several = int(found.environ.get("GROUP_WORLD_SIZE", 1)) > 1
    if several and found.device == "cpu" and "GLOO_SOCKET_IFNAME" not in found.environ and not _has_visible_name():
        yield (
            "gloo would offer the other machines 127.0.0.1, since this machine's name leads to no address of its own: "
            "set GLOO_SOCKET_IFNAME to the interface that leads to them (`ip addr`), on each."
        )


def _has_visible_name() -> bool:
    """Whether this machine's name leads to an address that is its own, and not to itself alone."""
    try:
        address = socket.gethostbyname(socket.gethostname())
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return not ip_address(address).is_loopback


def _devices(found: Circumstances) -> Iterator[str]:
    if found.num_gpus > 1 and "LOCAL_RANK" not in found.environ:
        yield (
            f"one process sees {found.num_gpus} GPUs, and the Trainer would cut each batch over them with "
            "nn.DataParallel, which is slower and scales the loss otherwise: use `accelerate launch --config_file "
            "configs/accelerate/multi_gpu_bf16.yaml`, or set CUDA_VISIBLE_DEVICES=0."
        )


def _fsdp(found: Circumstances) -> Iterator[str]:
    launched = found.told("ACCELERATE_USE_FSDP")
    if not launched and not found.gives("fsdp"):
        return
    asked = "accelerate launch was told to use FSDP" if launched else f"{found.recipe.place('training.fsdp')} is set"
    if found.device == "cpu":
        yield (
            f"{asked}, which on a CPU silently leaves the whole model on each process (DDP): set "
            "model.distributed_config.fsdp_size, which shards on a CPU too."
        )
    offloads = found.told("FSDP_OFFLOAD_PARAMS") or not launched
    if found.world_size == 1 and not offloads:
        yield f"{asked} with one process, which has nobody to share with: start several, or use DDP's configuration."
    if (kind := _state_dict_type(found, launched)) != "FULL_STATE_DICT":
        yield (
            f"{asked} with state_dict_type {kind}, with which the Trainer saves no model: write FULL_STATE_DICT "
            "there, its default."
        )


def _state_dict_type(found: Circumstances, launched: bool) -> str:
    config: Any = found.recipe.training.fsdp_config
    if launched or not isinstance(config, Mapping):
        return found.environ.get("FSDP_STATE_DICT_TYPE", "FULL_STATE_DICT")
    return str(config.get("state_dict_type", config.get("fsdp_state_dict_type", "FULL_STATE_DICT")))


def _deepspeed(found: Circumstances) -> Iterator[str]:
    launched = found.told("ACCELERATE_USE_DEEPSPEED")
    if not launched and not found.gives("deepspeed"):
        return
    where = found.recipe.place("training.deepspeed")
    asked = "accelerate launch was told to use DeepSpeed" if launched else f"{where} is set"
    if found.device == "cpu":
        yield f"{asked}, which needs a GPU here: on a CPU, set model.distributed_config.fsdp_size to shard the model."
    if find_spec("deepspeed") is None:
        yield f"{asked}, which is not installed: `pip install deepspeed`, or shard with FSDP2 instead."
    if launched and found.world_size == 1 and not _offloads(found):
        yield f"{asked} with one process and no offloading, so that nothing would be shared: start several processes."
    training = found.recipe.training
    for variable, name in _RECIPES_OWN.items():
        told, own = found.environ.get(variable, "auto"), getattr(training, name)
        if told not in ("auto", "none") and float(told) != float(own):
            yield (
                f"{found.recipe.place(f'training.{name}')} is {own}, and accelerate launch was told {told} for "
                "DeepSpeed; take it out of the launch configuration, the recipe decides."
            )


_RECIPES_OWN = {
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "gradient_accumulation_steps",
    "ACCELERATE_GRADIENT_CLIPPING": "max_grad_norm",
}
"""What accelerate's `deepspeed_config` says beside the recipe."""


def _offloads(found: Circumstances) -> bool:
    devices = ("ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE", "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE")
    named = any(found.environ.get(device, "none") != "none" for device in devices)
    return named or "ACCELERATE_DEEPSPEED_CONFIG_FILE" in found.environ


def _parallelism(found: Circumstances) -> Iterator[str]:
    if not found.told("ACCELERATE_USE_PARALLELISM_CONFIG"):
        return
    size = {name: int(found.environ.get(f"PARALLELISM_CONFIG_{name}_SIZE", 1)) for name in ("TP", "CP", "SP")}
    if size["TP"] > 1:
        yield (
            "accelerate's parallelism_config cuts no matrix of a model that is loaded whole, it only logs so and goes "
            "on: take it out, and set model.distributed_config.tp_size in the recipe."
        )
    if size["CP"] > 1 or size["SP"] > 1:
        yield (
            "accelerate's parallelism_config cuts rows over processes (context or sequence parallelism), and the "
            "losses here are of whole rows: take it out, and set training.activation_checkpointing for long rows."
        )


def _others(found: Circumstances) -> Iterator[str]:
    if found.told("ACCELERATE_USE_MEGATRON_LM"):
        yield (
            "Megatron-LM trains in a loop of its own, which transformers' Trainer does not run: use "
            "configs/accelerate/multi_gpu_fsdp2_bf16.yaml, or model.distributed_config.tp_size."
        )
    backend = found.environ.get("ACCELERATE_DYNAMO_BACKEND", "NO").lower()
    if backend != "no" and not found.gives("torch_compile"):
        yield (
            f"accelerate launch was told --dynamo_backend {backend}, which would compile the model, and no word of it "
            f"in the recipe: write training.torch_compile: true and training.torch_compile_backend: {backend}."
        )


def _accelerator(found: Circumstances) -> Iterator[str]:
    """Settings of accelerate that change which rows make a batch behind the recipe's back."""
    path = "training.accelerator_config"
    given: Any = found.recipe.training.accelerator_config or {}
    if isinstance(given, str):
        yield f"{found.recipe.place(path)}: write its settings here, found the file {given}."
        return
    for name in ("split_batches", "dispatch_batches"):
        if given.get(name):
            yield (
                f"{found.recipe.place(path)}: {name} would change which rows make a batch after they have been chosen "
                "for all processes; take it out."
            )
    if (given.get("gradient_accumulation_kwargs") or {}).get("num_steps") is not None:
        yield f"{found.recipe.place(path)}: num_steps is training.gradient_accumulation_steps; write it there."


def _batch(found: Circumstances) -> Iterator[str]:
    asked = found.told("ACCELERATE_USE_FSDP") or found.told("ACCELERATE_USE_DEEPSPEED")
    sharded = asked or found.gives("fsdp") or found.gives("deepspeed")
    auto = found.recipe.training.per_device_train_batch_size == "auto"
    if auto and (sharded or found.recipe.model.distributed_config.num_processes > 1):
        yield (
            f"{found.recipe.place('training.per_device_train_batch_size')}: auto fits the whole model into each "
            "process, and this launch shards it; write a number."
        )


def check_distributed_config(found: Circumstances) -> None:
    """Refuse to cut a model over other processes than there are.

    Raises:
        PlanError: `model.distributed_config` does not fit the launch.
    """
    config, where = found.recipe.model.distributed_config, found.recipe.place("model.distributed_config")
    if config.num_processes == 1:
        return
    if found.told("ACCELERATE_USE_FSDP") or found.told("ACCELERATE_USE_DEEPSPEED"):
        raise PlanError(f"{where} and accelerate launch would both shard the model: launch without FSDP or DeepSpeed.")
    if config.num_processes != found.world_size:
        raise PlanError(
            f"{where}: its sizes need {config.num_processes} processes, found {found.world_size}: start "
            f"them, for instance with `torchrun --nproc_per_node {config.num_processes} scripts/finetune.py`."
        )
    if config.tp_size > 1 and found.device == "cpu":
        raise PlanError(f"{where}: tp_size needs GPUs, accelerate 1.15 has none of it on a CPU; use fsdp_size.")
