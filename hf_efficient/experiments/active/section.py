"""The recipe's section `active`, without which there is no loop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hf_efficient.errors import PlanError, RecipeError

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.active import Active


def section_of(recipe: Recipe) -> Active:
    """The recipe's section `active`.

    Raises:
        RecipeError: it has none.
        PlanError: several processes run it.
    """
    if recipe.active is None:
        raise RecipeError(
            f"{recipe.place('active')} is missing: it says which rows are worth a label; write active: {{strategy: "
            "margin}, or run `hf-efficient finetune`."
        )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise PlanError("active learning runs as one process; start it without a launcher.")
    return recipe.active
