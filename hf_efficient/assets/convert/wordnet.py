"""WordNet's synonyms of single words, weighed by how often people mean and write them (Fellbaum, 1998)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

PARTS_OF_SPEECH: Final = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
"""Of the numbers in the keys of senses; a satellite adjective (5) is an adjective."""
_FILES: Final = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_EXCEPTIONS: Final = {"n": "noun", "v": "verb", "a": "adjective"}
_WORD: Final = re.compile(r"[a-z][a-z' _-]*")
"""Neither names nor numbers."""
_MARKER: Final = re.compile(r"\((a|p|ip)\)$")
"""Where an adjective may stand, behind the word."""
_UNSEEN: Final = 0.1
"""What is added to each count, so that a word that was never met in a meaning is rare and not impossible."""
MIN_PERCENT: Final = 1


class Sense(NamedTuple):
    """A meaning of a word: the set of synonyms it belongs to, and how often the word was found to mean it."""

    lemma: str
    synset: str
    seen: int


def convert(source: Path, target: Path) -> None:
    """Write `synonyms.tsv` (lemma, part of speech, `synonym percent` …) and `irregular.tsv` (form, part, lemma)."""
    words = {part: set(_words(source / f"data.{name}")) for part, name in _FILES.items()}
    senses = [sense for sense in read_senses(source / "index.sense") if sense.lemma in words[sense.synset[0]]]
    entries = synonyms(senses)
    lines = (f"{lemma}\t{part}\t{_joined(likely)}\n" for (lemma, part), likely in sorted(entries.items()))
    (target / "synonyms.tsv").write_text("".join(lines), encoding="utf-8")
    lines = (
        f"{form}\t{part}\t{lemma}\n"
        for part, name in _EXCEPTIONS.items()
        for form, lemma in irregular_forms((source / f"wn-{name}-exceptions.js").read_text(encoding="utf-8"))
    )
    (target / "irregular.tsv").write_text("".join(lines), encoding="utf-8")


def _words(path: Path) -> Iterator[str]:
    """Words of a file of synonym sets as they are spelt, without names and numbers."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        _, _, _, count, *fields = line.split(" ")
        for word in fields[: 2 * int(count, 16) : 2]:
            spelt = _MARKER.sub("", word)
            if _WORD.fullmatch(spelt):
                yield spelt


def read_senses(path: Path) -> Iterator[Sense]:
    """The lines of `index.sense`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        key, offset, _, count = line.split(" ")
        lemma, _, rest = key.partition("%")
        yield Sense(lemma, PARTS_OF_SPEECH[rest[0]] + offset, int(count))


def synonyms(senses: Iterable[Sense]) -> dict[tuple[str, str], dict[str, int]]:
    """Synonyms of each single word and part of speech, and how likely each is, in percent; the likeliest first.

    The chance that the word has a meaning, times the chance that another word for the meaning is this one; both from
    counts of meanings in texts. A meaning for which there is no other word takes its chance with it.
    """
    of_word: dict[tuple[str, str], list[Sense]] = defaultdict(list)
    of_synset: dict[str, list[Sense]] = defaultdict(list)
    for sense in senses:
        of_word[sense.lemma, sense.synset[0]].append(sense)
        of_synset[sense.synset].append(sense)
    found = {
        word: _likely(word[0], meanings, of_synset)
        for word, meanings in of_word.items()
        if "_" not in word[0]  # texts are looked up word by word
    }
    return {word: likely for word, likely in found.items() if likely}


def _likely(lemma: str, meanings: list[Sense], of_synset: dict[str, list[Sense]]) -> dict[str, int]:
    chances: dict[str, float] = defaultdict(float)
    for meaning, chance in _shares(meanings):
        others = [sense for sense in of_synset[meaning.synset] if sense.lemma != lemma]
        for other, share in _shares(others):
            chances[other.lemma.replace("_", " ")] += chance * share
    percents = {word: round(100 * chance) for word, chance in chances.items()}
    ranked = sorted(percents.items(), key=lambda item: (-item[1], item[0]))
    return {word: percent for word, percent in ranked if percent >= MIN_PERCENT}


def _shares(senses: list[Sense]) -> Iterator[tuple[Sense, float]]:
    total = sum(sense.seen + _UNSEEN for sense in senses)
    return ((sense, (sense.seen + _UNSEEN) / total) for sense in senses)


def _joined(likely: dict[str, int]) -> str:
    return "\t".join(f"{word} {percent}" for word, percent in likely.items())


def irregular_forms(script: str) -> list[tuple[str, str]]:
    """Forms and their lemmas out of assignments in JavaScript, which is read and not run."""
    names = dict(re.findall(r"^const (\w+) = '([^']+)';$", script, re.MULTILINE))
    assigned = re.findall(r"^exceptions\.(\w+) += +(\w+);$", script, re.MULTILINE)
    return [(form, names[name]) for form, name in assigned]
