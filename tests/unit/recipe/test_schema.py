from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from hf_efficient.recipe import Recipe
from hf_efficient.recipe.problems import settings
from hf_efficient.recipe.schema import json_schema

MODEL = {"model": {"name": "m"}}


@pytest.fixture(scope="module")
def schema():
    return json_schema()


def test_it_is_a_schema(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "recipe",
    [
        MODEL,
        {**MODEL, "task": "text-classification"},
        {**MODEL, "task": {"problem": "regression"}, "training": {"seed": 1, "report_to": ["wandb"]}},
        {**MODEL, "training": {"warmup_steps": 0.1, "lr_scheduler_type": "step"}},
        Recipe.from_mapping(MODEL).to_mapping(),
    ],
)
def test_what_loads_is_valid(schema, recipe):
    Recipe.from_mapping(recipe)
    assert list(Draft202012Validator(schema).iter_errors(recipe)) == []


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {**MODEL, "task": "txt"},
        {**MODEL, "trainig": {}},
        {**MODEL, "training": {"lr": 1}},
        {**MODEL, "training": {"learning_rate": -1}},
        {**MODEL, "training": {"optim": "adamw"}},
        {**MODEL, "training": {"seed": "1"}},
        {**MODEL, "hub": {}},
    ],
)
def test_what_does_not_load_is_not_valid(schema, recipe):
    assert list(Draft202012Validator(schema).iter_errors(recipe)) != []


def test_settings_have_descriptions_and_defaults(schema):
    training = schema["$defs"]["TrainingSection"]["properties"]
    assert training["learning_rate"]["default"] == 5e-5
    assert training["eval_strategy"]["default"] == "epoch"
    assert "learning rate" in training["learning_rate"]["description"]
    assert {path for path, field in settings(Recipe) if not field.description} == set()
