"""The `augment:` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.section import Section


class RandomSwap(Section):
    """Two words change places, again and again (EDA, Wei & Zou 2019, arXiv 1901.11196)."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Swaps for each word of the row."""


class Augment(Section):
    """More training rows out of those there are: each augmenter that is named is on."""

    copies: int = Field(default=1, ge=1)
    """Views made of each row."""
    originals: bool = True
    """Train on the rows themselves, too; without them an epoch has only views."""
    views: Literal["fresh", "fixed"] = "fresh"
    """`fresh` draws the views of each epoch anew; `fixed` draws them once."""
    control: bool = False
    """Leave the views unchanged: the same number of rows and steps without augmentation, to compare with."""

    random_swap: RandomSwap | None = None
    """Texts: two words change places."""

    @property
    def text_augmenters(self) -> dict[str, Section]:
        """The augmenters of texts that are on, by their names."""
        return {name: value for name, value in self if isinstance(value, RandomSwap)}

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.text_augmenters:
            raise ValueError("name an augmenter, such as random_swap: {}")
        return self
