"""Rows of a teacher that reads other tokens than the student."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

from hf_efficient.data.side_columns import SideColumns
from hf_efficient.errors import PlanError
from hf_efficient.losses.rows import OF_TEACHER
from hf_efficient.models.adapters import model_class
from hf_efficient.models.checks import set_pad_token

if TYPE_CHECKING:
    from hf_efficient.models.teacher import Loaded
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.distill import Distill


def with_rows_of(teacher: Loaded, number: int, plan: Plan, section: Distill) -> tuple[Plan, str]:
    """The plan whose training rows hold what this teacher reads, and what the names of those columns begin with.

    A teacher that reads what the student does has none, and no prefix.

    Raises:
        PlanError: its answers can't be compared with the student's, or the texts of the rows are not at hand.
    """
    if teacher.tokenizer is None:
        return plan, ""
    same_tokens = teacher.tokenizer.get_vocab() == plan.processing_class.get_vocab()
    if same_tokens and not _lacks_segments(teacher, plan):
        return plan, ""
    if not same_tokens:
        _refuse_tokens(teacher, plan, section)
    prefix = f"{OF_TEACHER}{number}_"
    set_pad_token(teacher.tokenizer, None, "distill.teacher")
    rows = _encoded(teacher, plan)
    if same_tokens:
        _check_lengths(teacher, rows, plan, section)
    taken = [name for name in _inputs(teacher) if name in rows.column_names]
    own = rows.select_columns(taken).rename_columns({name: prefix + name for name in taken})
    return replace(
        plan,
        train_dataset=_beside(plan.train_dataset, own),
        data_collator=SideColumns(plan.data_collator, prefix, teacher.tokenizer),
    ), prefix


def _inputs(teacher: Loaded) -> list[str]:
    taken = signature(model_class(teacher.model).forward).parameters
    return [name for name in teacher.tokenizer.model_input_names if name in taken]


def _lacks_segments(teacher: Loaded, plan: Plan) -> bool:
    """Whether the teacher tells the two texts of a pair apart by something that the student's rows don't have."""
    is_pair = getattr(plan.task and plan.task.columns, "text_pair", None) is not None
    return is_pair and not set(_inputs(teacher)) <= set(plan.processing_class.model_input_names)


def _refuse_tokens(teacher: Loaded, plan: Plan, section: Distill) -> None:
    """Other tokens can't be compared one by one."""
    task = plan.task.name if plan.task else ""
    wishes = [f"distill.{name}" for name in section.features]
    what = task if task != "text-classification" else " and ".join(wishes)
    if what:
        raise PlanError(
            f"distill.teacher: {teacher.name} has {len(teacher.tokenizer):,} tokens that are not the student's "
            f"{len(plan.processing_class):,}, and {what} is learnt token by token; "
            "teacher and student must read the same tokens."
        )


def _encoded(teacher: Loaded, plan: Plan) -> Any:
    if plan.encode_train is None:
        raise PlanError(
            f"distill.teacher: {teacher.name} reads other tokens than the student, and rows that stream are encoded "
            "for one of them; take data.streaming out, or a teacher with the student's tokens."
        )
    return plan.encode_train(teacher.tokenizer, teacher.model.config)


def _check_lengths(teacher: Loaded, rows: Any, plan: Plan, section: Distill) -> None:
    if section.features and rows["length"][:] != plan.train_dataset["length"][:]:
        raise PlanError(
            f"distill.teacher: {teacher.name} and the student cut rows at different lengths; set data.max_length."
        )


def _beside(rows: Any, own: Any) -> Any:
    from datasets import concatenate_datasets

    return concatenate_datasets([rows, own], axis=1)
