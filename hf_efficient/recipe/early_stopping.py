"""The `early_stopping:` section."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from hf_efficient.recipe.section import Section


class EarlyStopping(Section):
    """End the run when `training.metric_for_best_model` has stopped getting better."""

    patience_evaluations: int | None = Field(default=None, ge=1)
    """Evaluations in a row without improvement before the run ends."""
    patience_epochs: float | None = Field(default=None, gt=0.0)
    """Epochs without improvement before the run ends; give this or `patience_evaluations`."""
    threshold: float = Field(default=0.0, ge=0.0)
    """Change of the metric that counts as an improvement."""

    @model_validator(mode="after")
    def _one_patience(self) -> Self:
        if (self.patience_evaluations is None) == (self.patience_epochs is None):
            raise ValueError("give exactly one of patience_evaluations and patience_epochs")
        return self
