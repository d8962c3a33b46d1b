"""The base of every block of a recipe."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """One block of a recipe: frozen, strict, and closed to unknown keys.

    The string under each field is its only documentation: `hf-efficient schema` and `explain` read it from there.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _fit(cls, value: Any, info: ValidationInfo) -> Any:
        """`value` as the field holds it, where only YAML's spelling differs: a list for a tuple, 1e3 for 1000."""
        kinds = alternatives(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, list) and any(get_origin(kind) is tuple for kind in kinds):
            return tuple(value)
        if isinstance(value, float) and value.is_integer() and any(int in (kind, *get_args(kind)) for kind in kinds):
            return int(value)
        return value


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation itself as the only one."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
