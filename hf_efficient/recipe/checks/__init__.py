"""Settings that contradict each other, and settings that can't take effect beside the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.checks import active, augment, data, evaluation, model, task, techniques, training
from hf_efficient.recipe.checks.need import Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe
    from hf_efficient.recipe.tree import KeyPath

__all__ = ["NEEDS", "Complaint", "Need", "complaints", "dormant"]

_FAMILIES: Final = (active, task, model, data, techniques, augment, evaluation, training)

NEEDS: Final = tuple(need for family in _FAMILIES for need in family.NEEDS)
"""What each setting needs to take effect."""


def dormant(recipe: Recipe) -> frozenset[KeyPath]:
    """The settings that can't take effect in this recipe, whatever they say."""
    return frozenset(tuple(need.path.split(".")) for need in NEEDS if not need.holds(recipe))


def complaints(recipe: Recipe) -> Iterator[Complaint]:
    """What is wrong with the combination of settings, though each is right by itself."""
    for need in NEEDS:
        if recipe.gives(need.path) and not need.holds(recipe):
            yield need.path, f"can't take effect: {need.remedy}."
    for family in _FAMILIES:
        for check in family.CHECKS:
            yield from check(recipe)
