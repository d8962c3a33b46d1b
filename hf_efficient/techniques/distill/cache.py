"""Answers that are looked up instead of computed again in every epoch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tqdm import tqdm
from transformers import TrainerCallback

from hf_efficient.assets.cache import cache_root
from hf_efficient.data.drawn import is_drawn_anew
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.measure import filling
from hf_efficient.models.cached_teacher import CachedTeacher

if TYPE_CHECKING:
    from hf_efficient.models.teacher import Teacher
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.distill import Distill

logger = logging.getLogger(__name__)

_OVER_VOCABULARY: Final = ("next_token", "generation")
_PER_TOKEN: Final = ("tags", "entities", *_OVER_VOCABULARY)


def why_not(plan: Plan, section: Distill, problem: str) -> str | None:
    """Why the teacher's answers can't be kept, in words; None if they can."""
    if section.features:
        return "the teacher's layers are compared, so that it computes anyway"
    if problem in _OVER_VOCABULARY and section.top_k is None:
        return "the answers are distributions over a vocabulary, too large to keep without distill.top_k"
    if is_drawn_anew(plan.train_dataset):
        return "each epoch draws its images anew; augment.views: fixed draws them once"
    if not hasattr(plan.train_dataset, "column_names"):
        return "the training rows are no data set"
    return None


def cached(plan: Plan, section: Distill, teachers: Sequence[Teacher], problem: str) -> list[CachedTeacher]:
    """The teachers, each with a cache of its answers, if the recipe wants them and there can be some; else nobody.

    Raises:
        PlanError: the recipe wants a cache where there can be none.
    """
    if section.cache is False:
        return []
    if (reason := why_not(plan, section, problem)) is not None:
        if section.cache:
            raise PlanError(f"distill.cache can't take effect: {reason}; take it out.")
        return []
    root, per_token = cache_root() / "teachers", problem in _PER_TOKEN
    return [
        CachedTeacher(teacher, root, plan.train_dataset, plan.data_collator, per_token=per_token)
        for teacher in teachers
    ]


class FillCache(TrainerCallback):
    """Has the teachers answer every row before the first step; one process computes, the others wait."""

    def __init__(self, teachers: Sequence[CachedTeacher], *, required: bool) -> None:
        self.teachers = teachers
        self.required = required

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        try:
            with filling():
                for teacher in self.teachers:
                    teacher.open(lambda groups: tqdm(groups, desc="teacher", unit="group", leave=False))
        except HfEfficientError as error:
            if self.required:
                raise
            logger.warning("%s The run goes on, and asks the teacher anew for each batch.", error)
