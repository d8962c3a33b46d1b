"""The JSON schema of a recipe, for editors."""

from __future__ import annotations

from typing import Any, Final

from hf_efficient.recipe.recipe import Recipe

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a recipe's file, with the description and default of each setting."""
    schema = Recipe.model_json_schema()
    task = schema["properties"]["task"]
    # `task: text-classification` is read as `task: {type: text-classification}`.
    types = schema["$defs"]["TaskSection"]["properties"]["type"]
    task["anyOf"] = [{"$ref": task.pop("$ref")}, {key: types[key] for key in ("const", "enum", "type") if key in types}]
    return {"$schema": _DIALECT, **schema}
