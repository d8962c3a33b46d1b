"""What we lean on in peft: its source that recipes are checked by, and the seams of `models/adapters.py`."""

from __future__ import annotations

import dataclasses
import inspect
import warnings

import peft
import pytest
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from transformers import Trainer

from hf_efficient.recipe.peft_settings import peft_method, peft_methods
from tests.tiny import Case

CONFIGS = {kind.value.lower(): config for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()}


def test_every_method_is_read_from_the_source():
    assert set(peft_methods()) == set(CONFIGS)


@pytest.mark.parametrize("method", sorted(CONFIGS))
def test_its_settings_are_read_from_the_source(method):
    fields = {field.name for field in dataclasses.fields(CONFIGS[method]) if field.init}
    assert set(peft_method(method).settings) == fields
    is_prompt_learning = issubclass(CONFIGS[method], peft.PromptLearningConfig)
    assert peft_method(method).is_prompt_learning is is_prompt_learning


def test_types_are_those_of_the_classes():
    settings = peft_method("lora").settings
    defaults = {field.name: field.default for field in dataclasses.fields(peft.LoraConfig)}
    assert (settings["r"], settings["use_dora"], settings["lora_dropout"]) == (int, bool, float)
    assert isinstance(defaults["r"], int)


def test_peft_still_asks_transformers_for_a_name_that_is_deprecated():
    """When this fails, `is_gradient_checkpointing` can leave the list of harmless warnings."""
    model = Case("bert", "single_label_classification").make_model()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        peft.get_peft_model(model, peft.LoraConfig(target_modules=["query"]))
    assert any("is_gradient_checkpointing" in str(warning.message) for warning in caught)


def test_peft_still_gives_logits_of_virtual_tokens():
    """When this fails, the hook that cuts them off is no longer needed."""
    from tests.tiny import TokenCase

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = peft.PromptTuningConfig(task_type="TOKEN_CLS", num_virtual_tokens=3)
        model = peft.get_peft_model(TokenCase("bert").make_model(), config)
    assert model(input_ids=torch.ones(1, 5, dtype=torch.long)).logits.shape[1] == 8


@pytest.mark.parametrize("name", ["_load_from_checkpoint", "_load_best_model"])
def test_the_trainer_still_has_the_seams(name):
    parameters = inspect.signature(getattr(Trainer, name)).parameters
    assert list(parameters) == (["self"] if "best" in name else ["self", "resume_from_checkpoint", "model"])
    assert "load_adapter" in inspect.getsource(getattr(Trainer, name))
