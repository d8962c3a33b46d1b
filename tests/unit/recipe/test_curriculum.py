"""The words of `curriculum:` and `prune:`."""

from __future__ import annotations

import pytest

from hf_efficient.recipe import Recipe


@pytest.mark.parametrize(
    ("words", "path", "message"),
    [
        ("curriculum={by: lenght}", "curriculum.by", "Did you mean length?"),
        ("curriculum={order: random}", "curriculum.by", "is missing"),
        ("curriculum={by: loss, reference: a, brief: {}}", "curriculum", "both name the model that is asked"),
        ("curriculum={by: length, reference: a}", "curriculum", "by: length asks no model"),
        ("curriculum={by: forgetting, reference: a}", "curriculum", "give brief"),
        ("curriculum={by: forgetting, brief: {}}", "curriculum", "set brief.epochs above 1"),
        ("curriculum={by: column}", "curriculum", "name a column"),
        ("curriculum={by: length, column: a}", "curriculum", "name a column"),
        ("curriculum={by: column, column: [a, b]}", "curriculum", "reads one column"),
        ("curriculum={by: function}", "curriculum", "name a function, package.module:function"),
        ("curriculum={by: function, function: nothing}", "curriculum.function", "nothing"),
        ("curriculum={by: length, pace: linear, root: 3}", "curriculum", "root can't take effect with pace: linear"),
        ("curriculum={by: length, stages: 3}", "curriculum", "stages can't take effect with pace: competence"),
        ("curriculum={by: length, pace: one_pass, start: 0.3}", "curriculum", "start can't take effect"),
        ("curriculum={by: length, end: 0}", "curriculum.end", "above 0"),
        ("prune={by: length}", "prune.keep", "is missing"),
        ("prune={by: el2n, keep: 0.5}", "prune", "name one in reference, or train it, brief"),
        ("prune={by: length, keep: 1}", "prune.keep", "below 1"),
    ],
)
def test_words_that_can_not_be(complaint, words, path, message):
    found = complaint("", words)
    assert found.startswith(f"command line: {path} ")
    assert message in found
    assert "\n" not in found


def test_the_resolved_recipe_loads_back(load, tmp_path):
    recipe = load("", "curriculum={by: disagreement, column: [a, b], pace: step}", "prune={by: length, keep: 0.5}")
    (tmp_path / "dump.yaml").write_text(recipe.dump())
    assert Recipe.load(tmp_path / "dump.yaml") == recipe
    assert recipe.curriculum.start is None


def test_the_training_is_watched_where_no_other_model_is_asked(load):
    assert load("", "curriculum={by: el2n}").curriculum.watches_training
    assert not load("", "curriculum={by: el2n, brief: {}}").curriculum.watches_training
    assert not load("", "curriculum={by: rarity}").curriculum.watches_training
