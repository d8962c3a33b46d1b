"""`hf-efficient push`: publish a finished run on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hf_efficient.errors import HubError, RunDirectoryError


def push(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.", show_default=False)],
    repo_id: Annotated[
        str | None, typer.Option(help="Repository, user/name; by default the recipe's.", show_default=False)
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Create the repository private.")] = False,
    revision: Annotated[
        str | None, typer.Option(help="Branch; by default the recipe's, or main.", show_default=False)
    ] = None,
) -> None:
    """Upload a run's model, card, recipe and report; what is not given here comes from the recipe's `hub:` section."""
    from hf_efficient import hub
    from hf_efficient.recipe import Recipe

    recipe = run / "recipe.yaml"
    if not recipe.is_file():
        raise RunDirectoryError(f"{run}: expected the directory of a run, found no recipe.yaml in it; check the path")
    given = {"hub.repo_id": repo_id, "hub.private": private or None, "hub.revision": revision}
    target = Recipe.load(recipe, {path: value for path, value in given.items() if value is not None}).hub
    if target is None:
        raise HubError(f"{recipe}: expected a `hub:` section, found none; say where to push with --repo-id user/name")
    typer.echo(hub.push(run, target))
