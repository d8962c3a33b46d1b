"""Every launch configuration through accelerate's own parser and launcher, up to where processes would start."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch.distributed.run
from accelerate.commands import launch
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils.launch import prepare_deepspeed_cmd_env

from hf_efficient.recipe import Recipe
from hf_efficient.training.launch_checks import Circumstances, check_launch

ROOT = Path(__file__).parents[2]
ONE_MACHINE = {"nnodes": "1:1"}
TWO_MACHINES = {"nnodes": "2", "nproc_per_node": "8", "rdzv_endpoint": "10.0.0.1:29500"}
FSDP2 = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
}
BF16 = {"ACCELERATE_MIXED_PRECISION": "bf16"}


@dataclass(frozen=True)
class Expected:
    """What a launch with a file comes to: who starts the processes, with which options and which environment."""

    launcher: str
    options: dict = field(default_factory=dict)
    environ: dict = field(default_factory=dict)
    flags: tuple = ()


def deepspeed(stage: str, **environ: str) -> Expected:
    sharded = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": stage}
    return Expected("deepspeed", {"nproc_per_node": "8"}, {**BF16, **sharded, **environ})


FILES = {
    "accelerate_config.yaml": Expected("simple", environ={"ACCELERATE_USE_CPU": "False"}),
    "configs/accelerate/cpu.yaml": Expected("simple", environ={"ACCELERATE_USE_CPU": "True"}),
    "configs/accelerate/cpu_2_processes.yaml": Expected(
        "torchrun", {**ONE_MACHINE, "nproc_per_node": "2"}, {"CUDA_VISIBLE_DEVICES": "-1,-1"}
    ),
    "configs/accelerate/gpu_bf16.yaml": Expected(
        "simple", environ={**BF16, "ACCELERATE_USE_CPU": "False", "CUDA_VISIBLE_DEVICES": "0"}
    ),
    "configs/accelerate/multi_gpu_bf16.yaml": Expected("torchrun", {**ONE_MACHINE, "nproc_per_node": "8"}, BF16),
    "configs/accelerate/multi_gpu_fsdp2_bf16.yaml": Expected(
        "torchrun", {**ONE_MACHINE, "nproc_per_node": "8"}, {**BF16, **FSDP2}
    ),
    "configs/accelerate/multi_gpu_zero2_bf16.yaml": deepspeed("2"),
    "configs/accelerate/multi_gpu_zero3_bf16.yaml": deepspeed("3", ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL="true"),
    "configs/accelerate/multi_gpu_tensor_parallel_bf16.yaml": Expected(
        "torchrun", {**ONE_MACHINE, "nproc_per_node": "8"}, BF16
    ),
    "configs/accelerate/multi_node_bf16_static.yaml": Expected(
        "torchrun", {**TWO_MACHINES, "rdzv_backend": "static", "node_rank": 1}, BF16, ("--machine_rank", "1")
    ),
    "configs/accelerate/multi_node_bf16_c10d.yaml": Expected(
        "torchrun", {**TWO_MACHINES, "rdzv_backend": "c10d"}, BF16, ("--rdzv_backend", "c10d")
    ),
}


def test_every_file_is_in_the_table():
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "configs" / "accelerate").glob("*")} == {
        name for name in FILES if name.startswith("configs/")
    }


def test_the_docs_say_of_every_file_what_is_verified_by_tests_that_there_are():
    text = (ROOT / "docs" / "scaling.md").read_text()
    assert not [name for name in FILES if f"| `{Path(name).name}`" not in text]
    tests = set(re.findall(r"`(\w+/test_\w+\.py)`", text))
    assert len(tests) > 5
    assert not [test for test in tests if not (ROOT / "tests" / test).is_file()]


@pytest.mark.parametrize("name", FILES)
def test_accelerate_knows_every_key(name):
    load_config_from_file(str(ROOT / name))  # it raises for others


@pytest.fixture
def start(monkeypatch):
    """`accelerate launch` with a file and flags, which gives the launch instead of starting it."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # else accelerate speaks of it
    monkeypatch.setattr("accelerate.utils.launch.is_port_in_use", lambda port=None: False)
    found = {}

    def simple(command, env):
        found.update(launcher="simple", options={}, environ=env)
        return SimpleNamespace(wait=lambda: None, returncode=0)

    def torchrun(args):
        found.update(launcher="torchrun", options=vars(args), environ=dict(os.environ))

    def deepspeed_launcher(args):
        _, environ = prepare_deepspeed_cmd_env(args)
        found.update(launcher="deepspeed", options=vars(args), environ=environ)

    monkeypatch.setattr(launch.subprocess, "Popen", simple)
    monkeypatch.setattr(torch.distributed.run, "run", torchrun)
    monkeypatch.setattr(launch, "deepspeed_launcher", deepspeed_launcher)  # its own asks for the package first

    def start(name, *flags):
        parser = launch.launch_command_parser()
        launch.launch_command(parser.parse_args(["--config_file", str(ROOT / name), *flags, "train.py"]))
        return SimpleNamespace(**found)

    return start


@pytest.mark.parametrize("name", FILES)
def test_it_starts_what_its_name_says(name, start):
    expected = FILES[name]
    found = start(name, *expected.flags)
    assert found.launcher == expected.launcher
    assert {key: found.options[key] for key in expected.options} == expected.options
    environ = {"ACCELERATE_MIXED_PRECISION": "no", **expected.environ}
    assert {key: found.environ[key] for key in environ} == environ
    assert "PARALLELISM_CONFIG_TP_SIZE" not in found.environ


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_refused_where_it_belongs(name, start, monkeypatch):
    monkeypatch.setattr("hf_efficient.training.launch_checks.find_spec", lambda name: object())
    found = start(name, *FILES[name].flags)
    environ = {key: value for key, value in found.environ.items() if key not in ("LOCAL_RANK", "WORLD_SIZE")}
    if found.launcher != "simple":
        environ |= {"LOCAL_RANK": "0", "WORLD_SIZE": "8"}
    check_launch(Circumstances(environ, Recipe.load("smoke"), "cpu" if "cpu" in name else "cuda", num_gpus=1))


def test_accelerate_still_overlooks_the_rendezvous_of_a_file(start):
    """When this fails, the c10d file needs no flag beside it: shorten it, docs/scaling.md and docs/design.md §4.16."""
    assert start("configs/accelerate/multi_node_bf16_c10d.yaml").options["rdzv_backend"] == "static"


def test_accelerate_still_starts_one_process_where_two_are_asked_for_on_a_cpu(start, tmp_path):
    """When this fails, MULTI_CPU has a launcher: its refusal can go."""
    file = tmp_path / "multi_cpu.yaml"
    file.write_text("distributed_type: MULTI_CPU\nuse_cpu: true\nnum_processes: 2\nnum_machines: 1\n")
    assert start(file).launcher == "simple"
