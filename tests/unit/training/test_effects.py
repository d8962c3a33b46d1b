from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from hf_efficient.errors import PlanError
from hf_efficient.recipe import Recipe, packages
from hf_efficient.training import effects
from hf_efficient.training.effects import refuse_for_this_model, refuse_on_this_machine


def recipe(*overrides):
    return Recipe.load("smoke", [f"training.{override}" for override in overrides])


@pytest.fixture(autouse=True)
def _all_packages(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: name)


def refusal(check, *arguments):
    """The line with which a check refuses, without its place."""
    with pytest.raises(PlanError) as caught:
        check(*arguments)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("command line: training.")
    return line.removeprefix("command line: training.")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["optim=paged_adamw_8bit"],
            "optim is paged_adamw_8bit, which moves its state between GPU and host memory, and this run is on a CPU: "
            "write adamw_8bit.",
        ),
        (["use_liger_kernel=true"], "use_liger_kernel needs a GPU, and this run is on a CPU: take it out."),
        (
            ["activation_checkpointing=true", "activation_checkpointing_kwargs={offload: true}"],
            "activation_checkpointing_kwargs has offload, which moves activations from a GPU to host memory, and this "
            "run is on a CPU: take it out.",
        ),
    ],
)
def test_what_needs_a_gpu(overrides, message):
    assert refusal(refuse_on_this_machine, recipe(*overrides), "cpu") == message
    refuse_on_this_machine(recipe(*overrides), "cuda")


def test_what_needs_none():
    refuse_on_this_machine(recipe("optim=adamw_8bit", "activation_checkpointing=true"), "cpu")


def test_a_package_is_asked_for_where_it_would_help(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    liger = recipe("use_liger_kernel=true")
    assert "pip install liger-kernel" in refusal(refuse_on_this_machine, liger, "cuda")
    assert "needs a GPU" in refusal(refuse_on_this_machine, liger, "cpu")
    assert "pip install" in refusal(refuse_on_this_machine, recipe("optim=adamw_8bit"), "cpu")


@pytest.mark.parametrize("setting", ["torch_compile=true", "torch_compile_mode=max-autotune"])
def test_a_compiler_is_needed_on_a_cpu(setting, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(effects.sys, "platform", "linux")
    monkeypatch.setattr(effects.shutil, "which", lambda name: None)
    assert refusal(refuse_on_this_machine, recipe(setting), "cpu") == (
        f"{setting.partition('=')[0]} needs a C++ compiler, and g++ was not found: install it, name another one in "
        "CXX, or take it out."
    )
    refuse_on_this_machine(recipe(setting, "torch_compile_backend=aot_eager"), "cpu")


def test_pythons_headers_are_needed_on_a_cpu(monkeypatch, tmp_path):
    monkeypatch.setattr(effects.shutil, "which", lambda name: name)
    monkeypatch.setattr(effects.sysconfig, "get_path", lambda name: str(tmp_path))
    assert refusal(refuse_on_this_machine, recipe("torch_compile=true"), "cpu") == (
        f"torch_compile needs Python's headers, and {tmp_path} has no Python.h: install them (python3-dev), "
        "or take it out."
    )
    Path(tmp_path / "Python.h").touch()
    refuse_on_this_machine(recipe("torch_compile=true"), "cpu")


def test_triton_is_needed_on_a_gpu(monkeypatch):
    monkeypatch.setattr(effects, "find_spec", lambda name: None)
    assert "needs the package triton" in refusal(refuse_on_this_machine, recipe("torch_compile=true"), "cuda")
    monkeypatch.setattr(effects, "find_spec", lambda name: name)
    refuse_on_this_machine(recipe("torch_compile=true"), "cuda")


@dataclass
class Config:
    model_type: str = "llama"


class Model(nn.Module):
    """An embedding, a matrix of 64 × 64 = 4,096 numbers and its bias."""

    supports_gradient_checkpointing = False
    config = Config()

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.linear = nn.Embedding(100, 64), nn.Linear(64, 64)


def test_a_model_without_activation_checkpointing():
    assert refusal(refuse_for_this_model, recipe("activation_checkpointing=true"), Model()) == (
        "activation_checkpointing is not supported by Model: take it out, or take a smaller batch and accumulate."
    )
    refuse_for_this_model(recipe(), Model())


def test_a_model_without_weights_for_8_bits():
    refuse_for_this_model(recipe("optim=adamw_8bit"), Model())
    model = Model()
    model.linear.weight.requires_grad = False  # an embedding and a bias are left
    assert refusal(refuse_for_this_model, recipe("optim=lion_8bit"), model) == (
        "optim is lion_8bit, which keeps 8 bits only for weights of 4,096 numbers or more that are no embeddings, and "
        "this model trains none: write adamw_torch."
    )
    refuse_for_this_model(recipe("optim=lion_32bit"), model)


@pytest.fixture
def liger(monkeypatch):
    """A liger-kernel that knows Llama, and of it two kernels."""

    def apply(rope: bool = True, rms_norm: bool = True, model: Any = None) -> None:
        raise AssertionError

    patches = ModuleType("liger_kernel.transformers.monkey_patch")
    patches.MODEL_TYPE_TO_APPLY_LIGER_FN = {"llama": apply}
    for name in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, patches.__name__, patches)


def test_liger_knows_the_model_and_its_kernels(liger):
    use = "use_liger_kernel=true"
    refuse_for_this_model(recipe(use, "liger_kernel_config={rms_norm: false}"), Model())
    assert refusal(refuse_for_this_model, recipe(use, "liger_kernel_config={rmsnorm: false}"), Model()) == (
        "liger_kernel_config has rmsnorm, which Liger does not know for llama. Did you mean rms_norm?"
    )
    bert = Model()
    bert.config = Config("bert")
    assert refusal(refuse_for_this_model, recipe(use), bert) == (
        "use_liger_kernel has no kernels for models of type bert: take it out."
    )
