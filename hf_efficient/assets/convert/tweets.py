"""Tweets, rated from −4 to 4 by many people (Hutto and Gilbert, 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hf_efficient.assets.convert.movie_sentiment import cells
from hf_efficient.assets.convert.parquet import write_parquet


@dataclass(frozen=True)
class Tweet:
    """A text with the mean of its ratings."""

    text: str
    score: float


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet`, all tweets in the order of the file."""
    rows = cells(source / "tweets_GroundTruth.txt")
    write_parquet((Tweet(text.strip(), float(mean)) for _, mean, text in rows), target / "train.parquet")
