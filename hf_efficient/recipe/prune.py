"""The `prune:` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.difficulty import OF_MODEL, Difficulty


class Prune(Difficulty):
    """Train on a share of the rows only, chosen by their difficulty before the run.

    Where a model is asked, `explain` asks it, too, since steps and lengths depend on the rows that stay; what it says
    is kept on disk for the run, whose report says what it has cost.
    """

    keep: float = Field(gt=0.0, lt=1.0)
    """Share of the training rows that is kept."""
    which: Literal["hardest", "easiest", "random"] = "hardest"
    """Which rows are kept: the hardest where rows abound and labels are right, the easiest where they are few or wrong
    (Sorscher et al. 2022, arXiv 2206.14486); `random` is the control, for which nothing is scored."""
    stratify: bool = False
    """Keep that share of each class, and at least one row; a row of several classes goes with its rarest one."""

    @model_validator(mode="after")
    def _has_a_model_to_ask(self) -> Self:
        if self.by in OF_MODEL and not self.asks_model:
            raise ValueError(f"by: {self.by} is what a model says of a row: name one in reference, or train it, brief")
        return self
