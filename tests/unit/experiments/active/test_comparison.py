"""What is compared: the cells, and what is said of each."""

from __future__ import annotations

from hf_efficient.experiments.active.comparison import _line, make_comparison
from hf_efficient.recipe import Recipe


def test_a_cell_has_the_settings_that_its_strategy_knows(tmp_path):
    words = {"training.output_dir": str(tmp_path), "active": {"strategy": "bald", "members": 3, "balanced": True}}
    comparison = make_comparison(Recipe.load("smoke", words), ["bald", "margin", "badge", "random"], [1])
    cells = {strategy: comparison.cell_recipe(strategy, seed) for strategy, seed in comparison.cells()}
    assert {name: recipe.active.balanced for name, recipe in cells.items()} == {
        **{"full": True, "bald": True, "margin": True, "badge": False},
        "random": False,  # the control takes any rows, not equally many of those that a model takes for a class
    }
    assert {
        name: recipe.gives("active.members") for name, recipe in cells.items() if recipe.gives("active.members")
    } == {
        "full": True,
        "bald": True,
    }
    assert {recipe.training.seed for recipe in cells.values()} == {1}


def test_a_loop_that_never_saw_two_classes_is_said_to_have_no_model():
    row = {"strategy": "margin", "seed": 1, "metric": "accuracy", "curve": [], "stopped": "all labels are given"}
    assert _line(row) == "margin, seed 1: no model was scored; all labels are given"
    assert _line({**row, "curve": [(6, 0.5), (10, 0.75)]}) == "margin, seed 1: accuracy 0.7500 after 10 labels"
