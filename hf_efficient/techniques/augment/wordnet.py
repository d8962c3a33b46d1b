"""WordNet's synonyms, looked up by word and part of speech."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, Self, get_args

from hf_efficient.errors import DataError

PartOfSpeech = Literal["n", "v", "a", "r"]
"""Noun, verb, adjective, adverb: WordNet has no other words."""

_ENDINGS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "n": (
        *(("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh")),
        *(("ies", "y"), ("men", "man"), ("s", "")),
    ),
    "v": (*(("ies", "y"), ("es", "e"), ("es", ""), ("s", "")), *(("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""))),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}
"""Endings of regular forms and what lemmas have in their place: rules of detachment, morphy(7WN)."""

_FILES: Final = {
    "synonyms.tsv": re.compile(r"([^\t]+)\t([nvar])\t((?:[^\t]+ \d+\t)*[^\t]+ \d+)"),
    "irregular.tsv": re.compile(r"([^\t]+)\t([nvar])\t([^\t]+)"),
}
"""Files of a lexicon, and the form of their lines."""


@dataclass(frozen=True)
class Synonym:
    """Another word, or several, for the same thing."""

    words: str
    percent: int
    """How often it would be the word to take: over all meanings of the word that is replaced."""


@dataclass(frozen=True)
class WordNet:
    """Synonyms of words by part of speech, read from the folder of the asset `demo/wordnet`."""

    _lines: dict[tuple[str, str], str]
    """Synonyms as they stand in the file; few of them are ever looked at."""
    _irregular: dict[tuple[str, str], str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The lexicon in the folder of the asset.

        Raises:
            DataError: a line that is not of its file's form.
        """
        synonyms, irregular = (_parsed(folder / name, form) for name, form in _FILES.items())
        return cls(
            {(lemma, part): likely for lemma, part, likely in synonyms},
            {(form, part): lemma for form, part, lemma in irregular},
        )

    def synonyms(self, lemma: str, part: PartOfSpeech) -> tuple[Synonym, ...]:
        """Synonyms of a word in its base form, the likeliest first; empty where there are none."""
        line = self._lines.get((lemma, part))
        fields = (field.rpartition(" ") for field in line.split("\t")) if line else ()
        return tuple(Synonym(words, int(percent)) for words, _, percent in fields)

    def lemma(self, form: str, part: PartOfSpeech) -> str | None:
        """The base form, of those that have synonyms, that a form belongs to; None if there is none."""
        candidates = (self._irregular.get((form, part), form), form, *_detached(form, part))
        return next((lemma for lemma in candidates if (lemma, part) in self._lines), None)

    def irregular_forms(self, lemma: str, part: PartOfSpeech) -> tuple[str, ...]:
        """Forms of a base form that follow no rule."""
        return tuple(self._forms.get((lemma, part), ()))

    @cached_property
    def _forms(self) -> dict[tuple[str, str], list[str]]:
        forms: dict[tuple[str, str], list[str]] = {}
        for (form, part), lemma in self._irregular.items():
            forms.setdefault((lemma, part), []).append(form)
        return forms

    def parts(self, lemma: str) -> tuple[PartOfSpeech, ...]:
        """Parts of speech in which a base form has synonyms."""
        return tuple(part for part in get_args(PartOfSpeech) if (lemma, part) in self._lines)


def _parsed(path: Path, form: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        found = form.fullmatch(line)
        if found is None:
            raise DataError(
                f"{path}:{number}: expected a word, its part of speech and what it stands for, parted by tabs, as in "
                f"demo/wordnet; found {line[:40]!r}"
            )
        yield found[1], found[2], found[3]


def _detached(form: str, part: PartOfSpeech) -> list[str]:
    return [form.removesuffix(ending) + lemma for ending, lemma in _ENDINGS[part] if form.endswith(ending)]
