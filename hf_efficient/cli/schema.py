"""`hf-efficient schema`: the JSON schema of a recipe."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON schema of a recipe, for editors."""
    from hf_efficient.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
