"""Sentiment of movie-review snippets, rated from −4 to 4 by many people (Hutto and Gilbert, 2014)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hf_efficient.assets.convert.parquet import write_parquet

MIN_ABS_SCORE = 0.5
HELD_OUT = 0.2
SEED = 0


@dataclass(frozen=True)
class Review:
    """A snippet with the mean and the standard deviation of its ratings."""

    text: str
    label: str
    score: float
    rater_std: float


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet` and `validation.parquet`, a fixed stratified split of the clearly rated snippets."""
    reviews = read(source / "movieReviewSnippets_GroundTruth.txt", source / "movieReviewSnippets_anonDataRatings.txt")
    held_out = choose_held_out(reviews)
    write_parquet((r for r in reviews if r.text not in held_out), target / "train.parquet")
    write_parquet((r for r in reviews if r.text in held_out), target / "validation.parquet")


def read(truth: Path, ratings: Path) -> list[Review]:
    """The snippets with abs(score) ≥ 0.5, the first of each text."""
    spread = {identifier: float(std) for identifier, _, std, *_ in cells(ratings)}
    reviews: dict[str, Review] = {}
    for identifier, mean, text in cells(truth):
        score = float(mean)
        if abs(score) >= MIN_ABS_SCORE:
            label = "positive" if score > 0 else "negative"
            reviews.setdefault(text.strip(), Review(text.strip(), label, score, spread[identifier]))
    return list(reviews.values())


def choose_held_out(reviews: Iterable[Review]) -> set[str]:
    """Texts of the validation rows: of each label the fifth that comes first by hash.

    The choice depends on the texts alone, not on their order nor on any library's random numbers.
    """
    texts: dict[str, list[str]] = {}
    for review in reviews:
        texts.setdefault(review.label, []).append(review.text)
    return {text for same in texts.values() for text in sorted(same, key=_rank)[: round(HELD_OUT * len(same))]}


def _rank(text: str) -> str:
    return hashlib.sha256(f"{SEED}:{text}".encode()).hexdigest()


def cells(path: Path) -> list[list[str]]:
    """The lines of a file, cut at tabs."""
    return [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n") if line]
