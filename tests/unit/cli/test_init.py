from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from hf_efficient.cli.init import init
from hf_efficient.errors import HfEfficientError, RecipeError
from hf_efficient.recipe import Recipe

ROWS = 'text,label\ngood film,"yes, really"\nbad film,no\ngood,"yes, really"\n'


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(init)
    return lambda *arguments: CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_recipe_that_loads_and_says_what_was_guessed(run, tmp_path):
    (tmp_path / "my reviews.csv").write_text(ROWS)
    result = run("my reviews.csv")
    recipe = Recipe.load("recipe.yaml")
    assert recipe.data.name == "my reviews.csv"
    assert (recipe.data.columns.text, recipe.data.columns.label) == ("text", "label")
    assert (recipe.task.problem, recipe.model.name) == ("single_label", "demo/minilm-l6")
    assert recipe.training.output_dir == "runs/my-reviews"
    assert result.output.splitlines() == [
        "my reviews.csv: 3 training rows, 2 words at the median, 2 at most",
        "  text: text, by its name",
        "  label: label, by its name",
        "  problem: single_label, one of 2 classes a row",
        '  2 classes: "yes, really" 2, "no" 1',
        "Wrote recipe.yaml. Next: hf-efficient finetune recipe.yaml",
    ]
    assert '  problem: single_label  # 2 classes: "yes, really" 2, "no" 1\n' in (tmp_path / "recipe.yaml").read_text()


def test_several_labels_and_odd_names_survive_the_yaml(run, tmp_path):
    (tmp_path / "a.csv").write_text('"the # text","is: rude",no\ngood film,0,1\nbad film,1,1\n')
    run("a.csv", "-o", "out/b.yaml", "-m", "user/model")
    recipe = Recipe.load("out/b.yaml")
    assert recipe.data.columns.text == "the # text"
    assert recipe.data.columns.label == ("is: rude", "no")
    assert (recipe.task.problem, recipe.model.name) == ("multi_label", "user/model")


def test_an_existing_file_is_not_overwritten_unasked(run, tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "recipe.yaml").write_text("mine")
    with pytest.raises(RecipeError, match=r"recipe.yaml exists; name another file with --output, or overwrite it with"):
        run("a.csv")
    assert (tmp_path / "recipe.yaml").read_text() == "mine"
    run("a.csv", "--force")
    assert Recipe.load("recipe.yaml").data.name == "a.csv"


def test_a_recipe_that_cant_be_written_is_said(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(HfEfficientError, match=r"rows\.csv/recipe\.yaml: can't be written: .*; name another file with"):
        run("rows.csv", "--output", "rows.csv/recipe.yaml")
