"""Answers that are looked up instead of computed again in every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tqdm import tqdm
from transformers import TrainerCallback

from hf_efficient.assets.cache import cache_root
from hf_efficient.errors import PlanError
from hf_efficient.models.cached_teacher import CachedTeacher

if TYPE_CHECKING:
    from hf_efficient.models.teacher import Teachers
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.distill import Distill

_PER_TOKEN: Final = ("tags", "entities")
_PER_ROW: Final = ("single_label", "multi_label", "regression")


def why_not(plan: Plan, section: Distill, problem: str) -> str | None:
    """Why the teacher's answers can't be kept, in words; None if they can."""
    if len(section.teachers) > 1:
        return "several teachers are asked each time"
    if section.hidden or section.attention or section.relations:
        return "the teacher's layers are compared, so that it computes anyway"
    if problem not in (*_PER_TOKEN, *_PER_ROW):
        return "the answers are distributions over a vocabulary, too large to keep"
    if not hasattr(plan.train_dataset, "column_names"):
        return "the training rows are no data set"
    return None


def cached(plan: Plan, section: Distill, teachers: Teachers, problem: str) -> CachedTeacher | None:
    """The teacher with a cache of its answers, if the recipe wants one and there can be one.

    Raises:
        PlanError: the recipe wants one where there can be none.
    """
    if section.cache is False:
        return None
    if (reason := why_not(plan, section, problem)) is not None:
        if section.cache:
            raise PlanError(f"distill.cache can't take effect: {reason}; take it out.")
        return None
    per_token = problem in _PER_TOKEN
    return CachedTeacher(
        teachers, cache_root() / "teachers", plan.train_dataset, plan.data_collator, per_token=per_token
    )


class FillCache(TrainerCallback):
    """Has the teacher answer every row before the first step; one process computes, the others wait."""

    def __init__(self, teacher: CachedTeacher) -> None:
        self.teacher = teacher

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        self.teacher.open(lambda groups: tqdm(groups, desc="teacher", unit="group", leave=False))
