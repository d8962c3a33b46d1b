"""Augmenters that ask a model, by the sub-section that switches each on."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from hf_efficient.data.text_cache import text_key
from hf_efficient.models.at_hand import content_key, folder_of, require_at_hand
from hf_efficient.models.load import Place
from hf_efficient.recipe.augment_models import OFFLINE, BackTranslation, Contextual, Paraphrase
from hf_efficient.recipe.section import Section
from hf_efficient.techniques.augment.back_translation import BackTranslator
from hf_efficient.techniques.augment.contextual import Contextualizer
from hf_efficient.techniques.augment.kept import Costly, Kept
from hf_efficient.techniques.augment.paraphrase import Paraphraser

_FORMATS: Final[dict[type[Section], str]] = {Contextual: "3", BackTranslation: "2", Paraphrase: "2"}
"""Goes up when the same settings make other views."""
_MODELS: Final = ("model", "forward", "backward")
"""Settings that name a model."""

COSTLY: Final[dict[type[Section], Callable[[Any, Any, Place], Costly]]] = {
    Contextual: Contextualizer.of,
    BackTranslation: BackTranslator.of,
    Paraphrase: Paraphraser.of,
}
"""Sub-section of `augment:` → what makes the augmenter of its settings, a device, and where settings were written."""


def costly(name: str, section: Section, device: Any, place: Place, *, makes: bool = True) -> Kept:
    """The augmenter of a sub-section, which loads its model when it first has to make a view; see `Kept`.

    Raises:
        AssetError: a model is not on this machine.
    """
    models = {key: value for key, value in section if key in _MODELS and value is not None}
    for key, model in models.items():
        if model != OFFLINE:
            require_at_hand(model, place(key))

    def identity() -> str:
        contents = (_content(model, place(key)) for key, model in models.items())
        return text_key(
            _FORMATS[type(section)], name, section.model_dump_json(exclude=set(_MODELS)), *models, *contents
        )

    draws = getattr(section, "temperature", 1.0) is not None
    return Kept(name, draws, identity, lambda: COSTLY[type(section)](section, device, place), makes)


def _content(model: str, place: str) -> str:
    return version(OFFLINE) if model == OFFLINE else content_key(folder_of(model, place))
