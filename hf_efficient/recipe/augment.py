"""The `augment:` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.augment_texts import (
    TEXT_AUGMENTERS,
    Function,
    Keyboard,
    Nlpaug,
    RandomDelete,
    RandomInsert,
    RandomSwap,
    SentenceReorder,
    Spelling,
    Synonym,
)
from hf_efficient.recipe.section import Section


class Augment(Section):
    """More training rows out of those there are: each augmenter that is named is on; of texts, each view takes one."""

    copies: int = Field(default=1, ge=1)
    """Views made of each row."""
    originals: bool = True
    """Train on the rows themselves, too; without them an epoch has only views."""
    below_class_size: int | None = Field(default=None, ge=2)
    """Balance instead: make views of the classes that have fewer rows than this only, and as many as they lack."""
    views: Literal["fresh", "fixed"] = "fresh"
    """`fresh` draws the views of each epoch anew; `fixed` draws them once."""
    control: bool = False
    """Leave the views unchanged: the same number of rows and steps without augmentation, to compare with."""

    synonym: Synonym | None = None
    """Texts: words give way to synonyms."""
    random_swap: RandomSwap | None = None
    """Texts: two words change places."""
    random_delete: RandomDelete | None = None
    """Texts: words are left out."""
    random_insert: RandomInsert | None = None
    """Texts: synonyms come in."""
    sentence_reorder: SentenceReorder | None = None
    """Texts: sentences change places."""
    spelling: Spelling | None = None
    """Texts: words are misspelt."""
    keyboard: Keyboard | None = None
    """Texts: fingers slip."""
    nlpaug: Nlpaug | None = None
    """Texts: an augmenter of nlpaug."""
    function: Function | None = None
    """Texts: a function of the user's."""

    @property
    def text_augmenters(self) -> dict[str, Section]:
        """The augmenters of texts that are on, by their names."""
        return {name: value for name, value in self if name in TEXT_AUGMENTERS and value is not None}

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.text_augmenters:
            raise ValueError("name an augmenter, such as random_swap: {}")
        return self

    @model_validator(mode="after")
    def _balances(self) -> Self:
        if self.below_class_size is not None and not self.originals:
            raise ValueError("below_class_size adds views to the rows of small classes; take originals: false out")
        return self
