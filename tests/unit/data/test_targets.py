from __future__ import annotations

import pytest
from datasets import Dataset

from hf_efficient.data.targets import TargetRules, has_targets, resolve_target_columns
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe import Columns

PLACE = "a.yaml:2: {}".format


def table(**columns):
    return Dataset.from_dict({"text": ["a", "b"], **columns})


def test_columns_are_told_by_their_names():
    roles = resolve_target_columns(Columns(), table(target=["x", "y"]), PLACE)
    assert (roles.text, roles.target, roles.weight) == ("text", "target", None)
    rows = Dataset.from_dict({"document": ["a"], "summary": ["x"]})
    roles = resolve_target_columns(Columns(), rows, PLACE)
    assert (roles.text, roles.target) == ("document", "summary")


def test_columns_are_those_that_the_recipe_names():
    roles = resolve_target_columns(
        Columns(text="de", target="en"), Dataset.from_dict({"de": ["a"], "en": ["b"]}), PLACE
    )
    assert (roles.text, roles.target) == ("de", "en")
    with pytest.raises(
        RecipeError, match=r"a.yaml:2: data.columns.target: there is no column tarket, only text, target. D"
    ):
        resolve_target_columns(Columns(target="tarket"), table(target=["x", "y"]), PLACE)


def test_rows_without_targets_can_be_predicted_but_not_scored():
    rows = table()
    rules = TargetRules.of(Columns(), rows, PLACE)
    rules.check(rows, "test", scored=False)
    with pytest.raises(
        DataError, match="validation: expected a column of targets, named target or summary, found text"
    ):
        rules.check(rows, "validation", scored=True)
    assert rules.strata(rows) is None


def test_a_gap_among_the_targets_is_an_error_where_there_are_some():
    rows = table(target=["x", None])
    rules = TargetRules.of(Columns(), rows, PLACE)
    with pytest.raises(DataError, match="train row 2: column target: expected a text, found none"):
        rules.check(rows, "train", scored=False)


def test_a_column_of_gaps_holds_no_targets():
    assert not has_targets(table(target=[None, None]), "target")
    assert has_targets(table(target=[None, "x"]), "target")
    assert not has_targets(table(), "target")
    assert not has_targets(table(), None)
