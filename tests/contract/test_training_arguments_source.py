"""The table that is read from the source of TrainingArguments, held against the class."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

import pytest
import torch
from transformers import SchedulerType, TrainingArguments, optimization
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
from transformers.training_args import OptimizerNames, trainer_log_levels

from hf_efficient.recipe.schedules import METRIC_SCHEDULES, OWN_SCHEDULES, SCHEDULES
from hf_efficient.recipe.training import CHOICES, DEFAULTS, TrainingSection
from hf_efficient.recipe.training_arguments import training_arguments
from hf_efficient.recipe.training_names import OWNED, REMOVED
from hf_efficient.recipe.wording import words

FIELDS = {field.name: field for field in fields(TrainingArguments)}
LIVE_OBJECTS = {"parallelism_config"}


def default_of(field):
    return field.default if field.default is not MISSING else tuple(field.default_factory())


def test_names():
    assert training_arguments().keys() == FIELDS.keys() - LIVE_OBJECTS


def test_defaults():
    assert {name: argument.default for name, argument in training_arguments().items()} == {
        name: default_of(FIELDS[name]) for name in FIELDS.keys() - LIVE_OBJECTS
    }


def test_help():
    read = {name: argument.help for name, argument in training_arguments().items()}
    assert read == {name: FIELDS[name].metadata["help"].replace("%%", "%") for name in read}


def test_values_of_enums():
    assert set(words(training_arguments()["optim"].annotation)) == {name.value for name in OptimizerNames}
    assert set(words(training_arguments()["lr_scheduler_type"].annotation)) == {name.value for name in SchedulerType}


def test_words_that_the_class_declares_as_mere_text():
    assert set(CHOICES["log_level"]) == set(CHOICES["log_level_replica"]) == set(trainer_log_levels)
    assert set(CHOICES["report_to"]) == {"none", "all", *INTEGRATION_TO_CALLBACK}


def test_our_defaults_differ_from_the_class():
    assert {name for name, value in DEFAULTS.items() if default_of(FIELDS[name]) == value} == set()


def test_refused_names_are_arguments_and_removed_ones_are_not():
    assert OWNED.keys() <= FIELDS.keys()
    assert REMOVED.keys().isdisjoint(FIELDS)


def test_the_class_takes_what_the_section_gives(tmp_path):
    section = TrainingSection(
        learning_rate=3e-4, warmup_steps=0.1, eval_steps=5, eval_strategy="steps", report_to=["none"], optim="sgd"
    )
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, **section.arguments())
    assert (arguments.learning_rate, arguments.warmup_steps, arguments.eval_steps) == (3e-4, 0.1, 5)
    assert (arguments.eval_strategy, arguments.optim, arguments.save_total_limit) == ("steps", "sgd", 2)


def test_the_class_takes_every_default(tmp_path):
    names = TrainingSection.model_fields.keys() & FIELDS.keys() - {"output_dir"}
    arguments = TrainingSection(**{name: TrainingSection.model_fields[name].default for name in names}).arguments()
    assert arguments.keys() == names
    TrainingArguments(output_dir=str(tmp_path), **arguments)


def test_schedules():
    assert SCHEDULES.keys() == {name.value for name in SchedulerType} | set(OWN_SCHEDULES)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in (*OWN_SCHEDULES, *METRIC_SCHEDULES)])
def test_settings_of_a_schedule(name):
    function = optimization.TYPE_TO_SCHEDULER_FUNCTION[SchedulerType(name)]
    given = {"optimizer", "num_warmup_steps", "num_training_steps", "last_epoch"}
    assert set(SCHEDULES[name].settings) == inspect.signature(function).parameters.keys() - given


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [
        ("reduce_lr_on_plateau", torch.optim.lr_scheduler.ReduceLROnPlateau),
        ("greedy", optimization.GreedyLR),
    ],
)
def test_settings_of_a_schedule_that_watches_a_metric(name, scheduler):
    assert set(SCHEDULES[name].settings) == inspect.signature(scheduler).parameters.keys() - {"optimizer"}


def test_settings_of_one_cycle():
    parameters = inspect.signature(torch.optim.lr_scheduler.OneCycleLR).parameters
    assert set(SCHEDULES["one_cycle"].settings) <= parameters.keys()
