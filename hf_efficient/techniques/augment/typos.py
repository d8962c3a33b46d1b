"""Slips of the pen and of the finger: nlpaug's lists of them, drawn by each row's own random numbers.

Only the lists are nlpaug's. Its classes put them in sets, whose order differs between processes, and pull words with
hyphens and apostrophes apart.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from hf_efficient.techniques.augment.choices import Weighed
from hf_efficient.techniques.augment.draws import Draws
from hf_efficient.techniques.augment.surface import OPAQUE, surface
from hf_efficient.techniques.augment.words import Words, choose, num_words

SPELLING: Final = "word/spelling/spelling_en.txt"
"""A word and its misspellings a line, as Wikipedia's editors and learners of English have made them."""
KEYBOARD: Final = "char/keyboard/{language}.json"
"""Of each key those around it."""
_WRITTEN: Final = re.compile(r"[a-z][a-z'-]*")
"""What somebody may have written; some lines of the list hold marks of another file."""


def resources() -> Path:
    """The folder of nlpaug's lists; nlpaug itself is not imported, which takes pandas and a second.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = find_spec("nlpaug")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("nlpaug")
    return Path(spec.origin).parent / "res"


class Misspellings:
    """What people write for a word."""

    def __init__(self, path: Path) -> None:
        slips: dict[str, dict[str, None]] = defaultdict(dict)
        for line in path.read_text(encoding="utf-8").splitlines():
            word, *misspelt = line.lower().split()
            slips[word].update(dict.fromkeys(slip for slip in misspelt if slip != word and _WRITTEN.fullmatch(slip)))
        self._slips = dict(slips)

    def __call__(self, word: str) -> Weighed:
        """Misspellings of a word as it stands in a text, all alike."""
        parts = surface(word)
        slips = self._slips.get(parts.core.lower(), {})
        return [(cased, 1.0) for slip in slips if (cased := parts.with_core(slip))]


def read_keyboard(path: Path) -> dict[str, str]:
    """Letters around each letter of a keyboard, small ones and capitals."""
    around: Mapping[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    small = {
        key: "".join(sorted(near for near in keys if near.isalpha() and near != key)) for key, keys in around.items()
    }
    letters = {key: near for key, near in small.items() if key.isalpha() and near}
    return letters | {key.upper(): near.upper() for key, near in letters.items()}


@dataclass(frozen=True)
class Keyboard:
    """In some words of four letters or more a finger hits the key beside a letter's."""

    share: float
    around: Mapping[str, str]

    def __call__(self, words: Words, draws: Draws) -> Words:
        """One view of each text."""
        is_long = pc.match_substring_regex(words.values, r"\pL{4}")
        is_word = pc.and_not(is_long, pc.match_substring_regex(words.values, OPAQUE.pattern))
        among = is_word.to_numpy(zero_copy_only=False)
        places = choose(words, num_words(self.share, words.counts), draws, among)
        letters, keys = words.drawn(places, draws), words.drawn(places, draws, purpose=1)
        hit = words.values.take(pa.array(places)).to_pylist()
        typed = [self._typed(*case) for case in zip(hit, letters.tolist(), keys.tolist(), strict=True)]
        return words.with_words(places, pa.array(typed, pa.string()))

    def _typed(self, word: str, letter: float, key: float) -> str:
        """The word with a slip, at one of its letters and to one of the keys around, both given from 0 up to 1."""
        letters = [place for place, character in enumerate(word) if character in self.around]
        if not letters:
            return word
        place = letters[int(letter * len(letters))]
        near = self.around[word[place]]
        return word[:place] + near[int(key * len(near))] + word[place + 1 :]
