"""The plain runs that a loop makes of its recipe: of each round, and of all labels at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import PlanError
from hf_efficient.recipe.schedules import METRIC_SCHEDULES

if TYPE_CHECKING:
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.experiments.active.state import ActiveDirectory
    from hf_efficient.recipe import Recipe

_NOT_OF_A_ROUND: Final = (
    *("active", "data.fraction", "data.limit", "data.validation_size", "training.resume_from_checkpoint"),
)
"""What a round, or the run at the end, doesn't take from the recipe: its rows are chosen already."""
_SCORES_NOTHING: Final = {"data.validation_size": 0, "training.eval_strategy": "no"}
"""Where no rows are given to be scored, models learn from all labels that people gave."""


def plain_recipe(recipe: Recipe, directory: ActiveDirectory, settings: Mapping[str, Any], pool: Pool) -> Recipe:
    """The recipe of a plain run on labelled rows, scored as the loop's models are."""
    scored = _SCORES_NOTHING if pool.validation is None else {"data.validation": str(directory.validation)}
    return recipe.replace({**scored, **settings}, without=_NOT_OF_A_ROUND)


def refuse_without_scores(recipe: Recipe) -> None:
    """Refuse settings that rely on rows to score, for a pool that has none.

    Raises:
        PlanError: there is such a setting.
    """
    training, active = recipe.training, recipe.active
    wanted = {
        "active.metric": recipe.gives("active.metric"),
        "active.target": active is not None and active.target is not None,
        "data.validation_size": recipe.gives("data.validation_size"),
        "early_stopping": recipe.early_stopping is not None,
        "training.eval_delay": recipe.gives("training.eval_delay"),
        "training.eval_strategy": recipe.gives("training.eval_strategy") and training.eval_strategy != "no",
        "training.load_best_model_at_end": bool(training.load_best_model_at_end),
        "training.lr_scheduler_type": training.lr_scheduler_type in METRIC_SCHEDULES,
        "training.metric_for_best_model": training.metric_for_best_model is not None,
        "training.save_strategy": training.save_strategy == "best",
    }
    for path in (path for path, is_wanted in wanted.items() if is_wanted):
        raise PlanError(f"{recipe.place(path)} can't take effect without rows to score; name data.validation.")
