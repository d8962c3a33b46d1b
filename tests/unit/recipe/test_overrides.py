from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe.overrides import lay_over, read_overrides


def laid(tree, overrides):
    lay_over(tree, read_overrides(overrides))
    return tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("training.seed=1", 1),
        ("training.seed = 1", 1),
        ("training.seed=", None),
        ("training.seed=null", None),
        ("training.seed=a=b", "a=b"),
        ("training.seed=[1, 2]", [1, 2]),
    ],
)
def test_a_text_is_read_by_the_rules_of_yaml(text, value):
    [override] = read_overrides([text])
    assert (override.path, override.value, str(override.source)) == (("training", "seed"), value, "command line")


def test_a_mapping_brings_values_of_python():
    [override] = read_overrides({"data.columns.label": ("a", "b")})
    assert (override.path, override.value) == (("data", "columns", "label"), ["a", "b"])
    assert str(override.source) == "overrides"


def test_one_text_is_one_override():
    assert [override.path for override in read_overrides("a.b=c")] == [("a", "b")]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.seed"], "command line: training.seed is no override; write path=value"),
        (["=1"], "command line: '' is no path of a setting"),
        (["training..seed=1"], "command line: 'training..seed' is no path"),
        (["training.seed=*x"], "command line: training.seed: YAML reserves a leading *"),
        ({"training.seed": float("nan")}, "overrides: training.seed must be a finite number, found nan."),
        ({"training.seed": {1}}, "overrides: training.seed must be text, a number, true, false, null, "),
        ({"model.config": {1: 2}}, "overrides: model.config must have text for its keys, found 1."),
    ],
)
def test_what_is_no_override_is_refused(overrides, message):
    with pytest.raises(RecipeError) as caught:
        read_overrides(overrides)
    assert str(caught.value).startswith(message)


def test_an_override_replaces_whatever_stood_there():
    tree = {"model": {"config": {"a": 1, "b": 2}}, "hub": {"repo_id": "x"}}
    assert laid(tree, ["model.config={c: 3}", "hub="]) == {"model": {"config": {"c": 3}}, "hub": None}


def test_an_override_makes_the_sections_on_its_way():
    assert laid({"data": None}, ["data.columns.text=t"]) == {"data": {"columns": {"text": "t"}}}


def test_the_last_of_two_wins():
    assert laid({}, ["a.b=1", "a.b=2"]) == {"a": {"b": 2}}


def test_no_way_leads_through_a_single_value():
    with pytest.raises(RecipeError, match=r"^command line: a.b.c can't be set: a.b is one value\.$"):
        laid({"a": {"b": 1}}, ["a.b.c=2"])


def test_the_length_of_a_run_is_taken_over_whichever_way_it_was_said():
    written = {"training": {"num_train_epochs": 3}}
    assert laid(written, ["training.max_steps=5"]) == {"training": {"max_steps": 5}}
    assert laid(written, ["training.num_train_epochs=2"]) == {"training": {"num_train_epochs": 2}}


@pytest.mark.parametrize("value", ["-1", "null"])
def test_clearing_one_way_leaves_the_other(value):
    tree = laid({"training": {"num_train_epochs": 3}}, [f"training.max_steps={value}"])
    assert tree["training"]["num_train_epochs"] == 3
