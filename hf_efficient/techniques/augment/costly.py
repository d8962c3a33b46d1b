"""Augmenters that ask a model, by the sub-section that switches each on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hf_efficient.models.at_hand import require_at_hand
from hf_efficient.recipe.augment_models import OFFLINE, BackTranslation, Contextual, Paraphrase
from hf_efficient.recipe.section import Section
from hf_efficient.techniques.augment.back_translation import BackTranslator
from hf_efficient.techniques.augment.contextual import Contextualizer
from hf_efficient.techniques.augment.kept import Costly, Kept
from hf_efficient.techniques.augment.paraphrase import Paraphraser

Place = Callable[[str], str]

COSTLY: Final[dict[type[Section], Callable[[Any, Any, Place], Costly]]] = {
    Contextual: Contextualizer.of,
    BackTranslation: BackTranslator.of,
    Paraphrase: Paraphraser.of,
}
"""Sub-section of `augment:` → what makes the augmenter of its settings, a device, and where settings were written."""


def costly(name: str, section: Section, device: Any, place: Place) -> Kept:
    """The augmenter of a sub-section, which loads its model when it first has to make a view.

    Raises:
        AssetError: a model is not on this machine.
    """
    for setting in ("model", "forward", "backward"):
        model = getattr(section, setting, None)
        if model not in (None, OFFLINE):
            require_at_hand(model, place(setting))
    return Kept(name, lambda: COSTLY[type(section)](section, device, place))
