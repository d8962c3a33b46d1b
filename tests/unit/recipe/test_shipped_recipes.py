from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from hf_efficient.recipe import Recipe
from hf_efficient.recipe.files import shipped_recipes
from hf_efficient.recipe.schema import json_schema
from hf_efficient.recipe.yaml import read_document

RECIPES = shipped_recipes()


def test_the_recipes_of_the_readme_are_among_them():
    assert {"quickstart", "smoke", "distilbert-sst2", "minilm-mnli", "roberta-mrpc"} <= RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_it_loads_and_fits_the_schema(name):
    text = RECIPES[name].read_text(encoding="utf-8")
    recipe = Recipe.load(RECIPES[name])
    assert recipe.training.output_dir == f"runs/{name}"
    assert recipe.data.name is not None
    assert list(Draft202012Validator(json_schema()).iter_errors(read_document(text, name).tree)) == []


@pytest.mark.parametrize("name", RECIPES)
def test_it_says_at_its_top_what_it_is_and_whether_it_was_run(name):
    first = RECIPES[name].read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    pinned = Recipe.load(RECIPES[name]).model.name.startswith(("demo/", "runs/"))
    assert ("Not run without a model hub" in first) is not pinned
