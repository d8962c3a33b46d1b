"""`hf-efficient validate`: check the words of a recipe."""

from __future__ import annotations

from typing import Annotated

import typer

from hf_efficient.errors import RecipeError

Name = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe's file, or a shipped recipe.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings laid over the recipe; `KEY=` is null.", show_default=False),
]


def validate(recipe: Name, overrides: Settings = None) -> None:
    """Check the words of a recipe and the packages that it needs, without loading anything."""
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.packages import require_packages

    checked = Recipe.load(recipe, overrides or ())
    data = checked.data.name or checked.data.train
    if data is None:
        raise RecipeError(f"{recipe}: data.name is missing; name a data set, or a file of rows in data.train.")
    require_packages(checked)
    typer.echo(f"{recipe} is valid: {checked.task.type}, model {checked.model.name}, data {data}")
