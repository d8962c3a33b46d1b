"""Metrics of generated text against one reference each.

BLEU (Papineni et al. 2002) and chrF (Popović 2015) are sacrebleu's, of the whole corpus and from 0 to 100; ROUGE-L
(Lin 2004) and the exact match are means over the rows, from 0 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import evaluate
import numpy as np

from hf_efficient.tasks.metrics import Array, RowMetric

_WORD: Final = re.compile(r"\w+")


class TextMetric(RowMetric):
    """A metric over one text and one reference per row."""

    problems = ("generation",)


class ExactMatch(TextMetric):
    """Share of rows whose text is the reference."""

    def score(self, predictions: Array, references: Array) -> float:
        """From 0 to 1."""
        return float(np.mean([one == other for one, other in zip(predictions, references, strict=True)]))


class RougeL(TextMetric):
    """Mean over the rows of ROUGE-L: F1 of the longest common subsequence of lower-case words."""

    def score(self, predictions: Array, references: Array) -> float:
        """From 0 to 1."""
        return float(np.mean([rouge_l(one, other) for one, other in zip(predictions, references, strict=True)]))


class Chrf(TextMetric):
    """chrF2 of the corpus: F2 of character n-grams up to 6."""

    def score(self, predictions: Array, references: Array) -> float:
        """From 0 to 100."""
        from sacrebleu.metrics.chrf import CHRF

        return float(CHRF().corpus_score(list(predictions), [list(references)]).score)


class Bleu(TextMetric):
    """BLEU-4 of the corpus, with sacrebleu's tokenizer `13a`."""

    def score(self, predictions: Array, references: Array) -> float:
        """From 0 to 100."""
        from sacrebleu.metrics.bleu import BLEU

        return float(BLEU().corpus_score(list(predictions), [list(references)]).score)


def rouge_l(prediction: str, reference: str) -> float:
    """ROUGE-L of one text, without stemming; two texts without words agree."""
    predicted, expected = (_WORD.findall(text.lower()) for text in (prediction, reference))
    if not predicted or not expected:
        return float(predicted == expected)
    return 2 * common_subsequence(predicted, expected) / (len(predicted) + len(expected))


def common_subsequence(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Length of the longest sequence that stands in both, gaps allowed."""
    lengths = [0] * (len(second) + 1)
    for item in first:
        diagonal = 0
        for index, other in enumerate(second, start=1):
            above = lengths[index]
            lengths[index] = diagonal + 1 if item == other else max(above, lengths[index - 1])
            diagonal = above
    return lengths[-1]


TEXT_METRICS: Final[dict[str, type[TextMetric]]] = {
    "exact_match": ExactMatch,
    "rouge_l": RougeL,
    "chrf": Chrf,
    "bleu": Bleu,
}
"""All metrics of texts by name, in the order of the report."""


def score_texts(names: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float | None]:
    """The named metrics of texts and their references."""
    combined = evaluate.combine([TEXT_METRICS[name]("text", keep_in_memory=True) for name in names])
    scores: dict[str, float | None] = combined.compute(predictions=predictions, references=references)
    return scores
