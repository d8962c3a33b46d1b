from __future__ import annotations

import pytest
from pydantic import ValidationError

from hf_efficient.recipe import TrainingSection
from hf_efficient.recipe.training import DEFAULTS, RANGES
from hf_efficient.recipe.training_arguments import training_arguments
from hf_efficient.recipe.training_names import OWNED, REMOVED

OWN = {
    *("effective_batch_size", "layerwise_lr_decay", "head_learning_rate"),
    *("precision", "allow_slow", "deterministic"),
}


def test_arguments_are_attributes_with_the_defaults_of_hugging_face():
    training = TrainingSection()
    assert (training.learning_rate, training.optim, training.max_grad_norm) == (5e-5, "adamw_torch_fused", 1.0)


def test_our_own_defaults_are_passed_on_and_nothing_else_is():
    assert TrainingSection().arguments() == DEFAULTS


def test_what_is_set_is_passed_on():
    training = TrainingSection(learning_rate=1e-3, logging_steps=5, report_to=["wandb"])
    assert training.arguments() == {**DEFAULTS, "learning_rate": 1e-3, "logging_steps": 5, "report_to": ["wandb"]}


def test_our_own_settings_are_not_passed_on():
    own = TrainingSection(output_dir="x", precision="bf16", allow_slow=True, deterministic=True, effective_batch_size=8)
    assert own.arguments() == DEFAULTS


@pytest.mark.parametrize("schedule", ["step", "one_cycle"])
def test_a_schedule_of_our_own_is_left_to_the_trainer(schedule):
    training = TrainingSection(lr_scheduler_type=schedule, lr_scheduler_kwargs={"gamma": 0.5})
    assert training.lr_scheduler_kwargs == {"gamma": 0.5}
    assert training.arguments() == DEFAULTS


def test_a_schedule_of_hugging_face_is_passed_on():
    training = TrainingSection(lr_scheduler_type="polynomial", lr_scheduler_kwargs={"power": 2})
    assert training.arguments()["lr_scheduler_type"] == "polynomial"
    assert training.arguments()["lr_scheduler_kwargs"] == {"power": 2}


def test_each_argument_is_a_setting_or_belongs_to_somebody():
    settings = TrainingSection.model_fields.keys() - OWN
    assert settings | OWNED.keys() >= training_arguments().keys()
    assert settings.isdisjoint(OWNED)
    assert settings <= training_arguments().keys()


def test_a_removed_name_is_no_argument():
    assert training_arguments().keys().isdisjoint(REMOVED)


def test_what_a_removed_name_points_to_exists():
    named = {
        word.strip(".,;:").split(".")[1] for text in REMOVED.values() for word in text.split() if "training." in word
    }
    assert "eval_strategy" in named
    assert named <= TrainingSection.model_fields.keys()


def test_every_setting_is_documented():
    undocumented = [name for name, field in TrainingSection.model_fields.items() if not field.description]
    assert undocumented == []


@pytest.mark.parametrize("name", sorted(RANGES))
def test_ranges_are_kept(name):
    limits = RANGES[name]
    lowest = limits.get("ge", limits.get("gt"))
    with pytest.raises(ValidationError):
        TrainingSection(**{name: lowest - 1})
    if "gt" in limits:
        with pytest.raises(ValidationError):
            TrainingSection(**{name: lowest})
    if "lt" in limits:
        with pytest.raises(ValidationError):
            TrainingSection(**{name: limits["lt"]})


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": "1e-3"},
        {"learning_rate": True},
        {"learning_rate": None},
        {"num_train_epochs": float("nan")},
        {"seed": 1.5},
        {"seed": False},
        {"warmup_steps": True},
        {"lr_scheduler_type": "cosin"},
        {"debug": "everything"},
        {"report_to": "wandbb"},
        {"report_to": ["wandb", 1]},
        {"include_num_input_tokens_seen": "some"},
        {"log_level": "loud"},
        {"ddp_backend": "smoke signals"},
        {"metric_for_best_model": 3},
        {"lr_scheduler_kwargs": [1]},
    ],
)
def test_values_of_another_type_are_refused(values):
    with pytest.raises(ValidationError):
        TrainingSection(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"fsdp": True},
        {"fsdp": "full_shard"},
        {"deepspeed": "ds.json"},
        {"deepspeed": {"zero_optimization": {"stage": 2}}},
        {"report_to": ["wandb", "mlflow"]},
        {"report_to": None},
        {"debug": "underflow_overflow"},
        {"debug": ["underflow_overflow"]},
        {"optim_target_modules": ["a", "b"]},
        {"trackio_static_space_id": False},
        {"include_num_input_tokens_seen": True},
        {"resume_from_checkpoint": "runs/x/checkpoints/checkpoint-5"},
        {"accelerator_config": {"even_batches": False}},
    ],
)
def test_the_unusual_arguments_are_taken(values):
    [(name, value)] = values.items()
    assert TrainingSection(**values).arguments()[name] == value
