"""What the memory settings lean on in transformers, bitsandbytes, torch's compiler and torch's checkpoints."""

from __future__ import annotations

import inspect
import os
import sys

import pytest
import torch
from torch import nn
from transformers import trainer_optimizer
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from hf_efficient.recipe.packages import OPTIMIZERS, TRACKERS
from hf_efficient.training.effects import UNPAGED
from hf_efficient.training.eight_bit import EIGHT_BIT_NUMEL, forget_overrides

HANDLERS = {name.value: handler for name, handler in trainer_optimizer._OPTIMIZER_HANDLERS.items()}


def imported_by(handler):
    """Packages that an optimizer's handler imports, `torch` and `transformers` aside."""
    lines = [line.split() for line in inspect.getsource(handler).splitlines()]
    return {words[1].split(".")[0] for words in lines if words[:1] in (["from"], ["import"])} - {
        "torch",
        "transformers",
    }


@pytest.mark.parametrize("optim", HANDLERS)
def test_each_optimizer_comes_from_the_package_that_we_name(optim):
    expected = set(OPTIMIZERS[optim].modules) if optim in OPTIMIZERS else set()
    assert imported_by(HANDLERS[optim]) == expected


def test_no_optimizer_is_ours_alone():
    assert OPTIMIZERS.keys() <= HANDLERS.keys()
    assert UNPAGED.keys() == {name for name in HANDLERS if name.startswith("paged")}
    assert set(UNPAGED.values()) <= HANDLERS.keys()


@pytest.mark.parametrize("tracker", INTEGRATION_TO_CALLBACK)
def test_each_tracker_names_the_package_that_we_name(tracker):
    source = inspect.getsource(INTEGRATION_TO_CALLBACK[tracker])
    if tracker == "kubeflow":
        assert tracker not in TRACKERS
        assert "environment variable" in source
    else:
        assert any(module in source for module in (TRACKERS[tracker].install, *TRACKERS[tracker].modules))


def step(optimizer_class, module, **settings):
    """An optimizer after a step, and its state by weight."""
    optimizer = optimizer_class(module.parameters(), **settings)
    for weight in module.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    return [optimizer.state[weight]["state1"].dtype for weight in module.parameters()]


def test_bitsandbytes_keeps_small_weights_in_32_bits():
    from bitsandbytes.optim import AdamW

    forget_overrides()
    weights = nn.ParameterList([torch.zeros(EIGHT_BIT_NUMEL), torch.zeros(EIGHT_BIT_NUMEL - 1)])
    assert step(AdamW, weights, optim_bits=8) == [torch.uint8, torch.float32]


def test_bitsandbytes_still_takes_one_run_for_another():
    """When this fails, `forget_overrides` can go."""
    from bitsandbytes.optim import AdamW, GlobalOptimManager

    forget_overrides()
    embedding = nn.Embedding(64, 64)
    GlobalOptimManager.get_instance().register_module_override(embedding, "weight", {"optim_bits": 32})
    assert step(AdamW, embedding, optim_bits=8) == [torch.float32]
    assert step(AdamW, nn.Linear(64, 64, bias=False), optim_bits=8) == [torch.float32]
    forget_overrides()
    assert step(AdamW, nn.Linear(64, 64, bias=False), optim_bits=8) == [torch.uint8]


def test_bitsandbytes_does_not_page_on_a_cpu():
    """When this fails, `effects` need not refuse it any more."""
    from bitsandbytes.optim import AdamW

    with pytest.warns(UserWarning, match="Paged optimizers are not supported on CPU"):
        step(AdamW, nn.Linear(8, 8), is_paged=True)


@pytest.mark.skipif("CXX" in os.environ or sys.platform != "linux", reason="names the compiler of Linux")
def test_the_compiler_that_inductor_looks_for():
    from torch._inductor import config

    assert config.cpp.cxx == (None, "g++")
