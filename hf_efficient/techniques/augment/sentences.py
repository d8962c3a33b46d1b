"""Sentences in another order."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa

from hf_efficient.techniques.augment.draws import Draws, Numbers
from hf_efficient.techniques.augment.words import Words

_ABBREVIATED: Final = ("Mr.", "Mrs.", "Ms.", "Dr.", "St.", "vs.", "e.g.", "i.e.")
_BETWEEN: Final = re.compile(
    "".join(rf"(?<!\b{re.escape(name)})" for name in _ABBREVIATED) + r"(?:(?<=[.!?])|(?<=[.!?][\"')’”]))\s+"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with its full stop; a text of one is itself."""
    return _BETWEEN.split(text.strip())


def reorder(column: Any, rows: Numbers, draws: Draws) -> Any:
    """One view of each text of an Arrow array: its sentences in a random order."""
    sentences = Words.of_lists(pa.array([split_sentences(text) for text in column.to_pylist()]), rows)
    drawn = sentences.drawn(np.arange(len(sentences.values)), draws)
    return sentences.taken(np.lexsort((drawn, sentences.text_of))).texts()
