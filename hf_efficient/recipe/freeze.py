"""The `freeze:` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.section import Section


class Unfreeze(Section):
    """When frozen layers thaw, the uppermost first."""

    every_epochs: int | None = Field(default=None, ge=1)
    """Epochs after which the next layers thaw, again and again."""
    every_steps: int | None = Field(default=None, ge=1)
    """Optimizer steps after which they do."""
    layers: int = Field(default=1, ge=1)
    """Layers that thaw at a time; the embeddings count as the lowest one."""

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Self:
        if (self.every_epochs is None) == (self.every_steps is None):
            raise ValueError("say when the next layers thaw: every_epochs or every_steps, one of them")
        return self


class Freeze(Section):
    """Leave a part of the model as it is, so that less is trained."""

    embeddings: bool = False
    """Freeze the embeddings."""
    layers: int | Literal["all"] | None = Field(default=None)
    """Freeze the embeddings and so many of the lowest layers; `all` leaves the head alone to be trained."""
    names: tuple[str, ...] = ()
    """Freeze parameters whose name matches one of these regular expressions, e.g. `layer[.][0-3][.]`."""
    train_only: tuple[Literal["bias", "norm", "head"], ...] = ()
    """Of what is left, train these alone: `[bias, head]` is BitFit (Ben Zaken et al. 2022, arXiv 2106.10199)."""

    unfreeze: Unfreeze | None = None
    """Train what `layers` and `embeddings` freeze after all, one layer after the other from the top down (gradual
    unfreezing, Howard & Ruder 2018, arXiv 1801.06146). What `names` and `train_only` freeze stays frozen."""

    cache: bool | None = None
    """Compute what leaves the frozen lower layers once for each row, before the first step, and keep it on disk, so
    that an epoch costs no more than the layers above; by default where the rows are seen more than once, the model
    allows it and `cache_max_gb` suffices."""
    cache_max_gb: float = Field(default=8.0, gt=0.0)
    """GB that the hidden states of all rows may take on disk."""

    @model_validator(mode="after")
    def _freezes_something(self) -> Self:
        if not (self.embeddings or self.layers or self.names or self.train_only):
            raise ValueError("name what to freeze in layers, embeddings, names or train_only")
        return self

    @model_validator(mode="after")
    def _thaws_something(self) -> Self:
        if self.unfreeze is not None and not (self.embeddings or self.layers):
            raise ValueError("unfreeze thaws what layers or embeddings freeze, and neither is set")
        return self
