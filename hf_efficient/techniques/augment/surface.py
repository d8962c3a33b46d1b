"""A word as it stands in a text: with punctuation at its ends, and capital letters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

_PARTS: Final = re.compile(r"([\W_]*)(.*?)(n['’]t|['’]\w+)?([\W_]*)", re.DOTALL)
OPAQUE: Final = re.compile(r"[@#\\]|://|^www\.")
"""What addresses, names of users and hashtags have, and words have not."""


@dataclass(frozen=True)
class Surface:
    """The word itself and what stands around it: `"don't,` is `"`, `do`, `n't` and `,`."""

    before: str
    core: str
    ending: str
    after: str

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """What a treebank would make of it."""
        return tuple(filter(None, (self.before, self.core, self.ending, self.after)))

    def with_core(self, core: str) -> str | None:
        """Another word in its place, with its capitals; None if they follow no rule."""
        if self.core.islower():
            cased = core
        elif self.core[0].isupper() and (len(self.core) == 1 or self.core[1:].islower()):
            cased = core[:1].upper() + core[1:]
        elif self.core.isupper():
            cased = core.upper()
        else:
            return None
        return f"{self.before}{cased}{self.ending}{self.after}"


@lru_cache(maxsize=1 << 16)
def surface(word: str) -> Surface:
    """The parts of a word; addresses, names of users and the like are of one piece, and no word."""
    if OPAQUE.search(word):
        return Surface(word, "", "", "")
    parts = _PARTS.fullmatch(word)
    assert parts is not None, "the pattern takes any word"
    before, core, ending, after = parts.groups(default="")
    return Surface(before, core, ending, after)


_STOP_WORDS: Final = """
a an the this that these those each every either neither some any no none all both half few several many much more
most less least enough own same other another such and or but nor so yet for if unless until while because since
although though than whether as at by from in into of off on onto out over per to up upon via with within without
about above across after against along among around before behind below beneath beside besides between beyond
despite down during except inside like near outside past through throughout toward towards under underneath
i you he she it we they me him her us them my your his its our their mine yours hers ours theirs myself yourself
himself herself itself ourselves yourselves themselves one ones who whom whose which what when where why how
am is are was were be been being have has had having do does did doing done can could may might must shall should
will would ought need dare not never n't cannot ca wo there here then now again ever also too very quite rather
just only even still already almost once twice s t d ll m o re ve y
let get got go goes yes
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words of grammar, which have no synonyms of their own kind."""
