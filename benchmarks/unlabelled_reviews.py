"""python benchmarks/unlabelled_reviews.py FILE.jsonl [--rows 900]

Writes training reviews of `demo/movie-sentiment` without their labels, for `data.unlabelled`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from datasets import Dataset

from hf_efficient.assets import resolve


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    reviews = Dataset.from_parquet(str(resolve("demo/movie-sentiment") / "train.parquet"))
    chosen = reviews.shuffle(seed=options.seed).select(range(options.rows)).select_columns(["text"])
    options.file.parent.mkdir(parents=True, exist_ok=True)
    chosen.to_json(str(options.file))


if __name__ == "__main__":
    main()
