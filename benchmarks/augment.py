"""python benchmarks/augment.py [--rounds 7] [--rows 8000] [--nltk-data DIR] [--json FILE]

Views of movie reviews per second, made by nlpaug's own augmenters and by those of `augment:`; one word in ten changes.

A round lets nlpaug make views of a tenth of the texts and ours of all, one right after the other, in an order that
alternates; from lists of strings to lists of strings, CPU time, one thread. The figure is the median over the rounds of
the ratio of paired rates. What is looked up for each word once in a run has been looked up before; `first_pass` is the
rate with that. nlpaug inserts no synonyms: what stands against `random_insert` is its insertion by TF-IDF.

`--nltk-data` names a folder with NLTK's `corpora/wordnet` and `taggers/averaged_perceptron_tagger_eng`, which nlpaug's
`SynonymAug` reads, beside the package nltk; without it `synonym` is measured alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
from datasets import Dataset
from rich.console import Console
from rich.table import Table
from side_by_side import RESULTS, spread, turns, write_json

from hf_efficient.assets import resolve
from hf_efficient.recipe.augment import Augment
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.draws import Draws

SHARE = 0.1
OURS: dict[str, dict[str, Any]] = {
    **{name: {"share": SHARE} for name in ("random_swap", "random_delete", "random_insert", "synonym")},
    **{name: {"share": SHARE} for name in ("spelling", "keyboard")},
}
Views = Callable[[list[str]], list[str]]


def ours(name: str) -> Views:
    """Our augmenter, as a recipe makes it; each call is another epoch."""
    (augmenter,) = make_augmenters(Augment(**{name: OURS[name]}).text_augmenters, str).values()
    epochs = iter(range(1_000_000))

    def views(texts: list[str]) -> list[str]:
        column = augmenter(pa.array(texts), np.arange(len(texts)), Draws(0, next(epochs), 0))
        made: list[str] = column.to_pylist()
        return made

    return views


def theirs(name: str, texts: list[str], nltk_data: Path | None) -> Views | None:
    """What nlpaug has that does the like, or None if it can't be had here."""
    import nlpaug.augmenter.char as nac
    import nlpaug.augmenter.word as naw

    match name:
        case "random_swap" | "random_delete":
            augmenter = naw.RandomWordAug(action=name.removeprefix("random_"), aug_p=SHARE)
        case "random_insert":
            augmenter = naw.TfIdfAug(model_path=tf_idf(texts), action="insert", aug_p=SHARE)
        case "spelling":
            augmenter = naw.SpellingAug(aug_p=SHARE)
        case "keyboard":
            augmenter = nac.KeyboardAug(aug_word_p=SHARE, aug_char_max=1)
        case _:
            if nltk_data is None:
                return None
            import nltk

            nltk.data.path.insert(0, str(nltk_data))
            augmenter = naw.SynonymAug(aug_src="wordnet", aug_p=SHARE)
    views: Views = augmenter.augment
    return views


def tf_idf(texts: list[str]) -> str:
    """A folder with nlpaug's statistics of the texts."""
    from nlpaug.model.word_stats import TfIdf

    folder = tempfile.mkdtemp(prefix="tf-idf-")
    model = TfIdf()
    model.train([text.split() for text in texts])
    model.save(folder)
    return folder


def rate(views: Views, texts: list[str]) -> float:
    """Views per CPU second."""
    start = time.process_time()
    made = views(texts)
    assert len(made) == len(texts)
    return len(texts) / (time.process_time() - start)


def compare(name: str, texts: list[str], rounds: int, nltk_data: Path | None) -> dict[str, Any]:
    """Rates of both, and how many times theirs is ours."""
    sides: dict[str, tuple[Views, list[str]]] = {"ours": (ours(name), texts)}
    first_pass = rate(*sides["ours"])
    if (nlpaug := theirs(name, texts, nltk_data)) is not None:
        sides["nlpaug"] = nlpaug, texts[: len(texts) // 10]
        rate(*sides["nlpaug"])  # loads what it needs
    found = [{side: rate(*sides[side]) for side in turns(list(sides), number)} for number in range(rounds)]
    result = {f"{side}_per_second": spread(times[side] for times in found) for side in sides}
    if nlpaug is not None:
        result["times_nlpaug"] = spread(times["ours"] / times["nlpaug"] for times in found)
    return {**result, "first_pass": first_pass}


def main() -> None:
    """Run the benchmark, print its result, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--nltk-data", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS / "augment.json")
    options = parser.parse_args()
    table = Dataset.from_parquet(str(resolve("demo/movie-sentiment") / "train.parquet"))
    texts = table["text"][: options.rows]
    results = {name: compare(name, texts, options.rounds, options.nltk_data) for name in OURS}
    shown = Table("augmenter", "views/s", "first pass", "nlpaug's", "ratio")
    for name, found in results.items():
        figures = [found[key]["median"] if key in found else None for key in ("nlpaug_per_second", "times_nlpaug")]
        cells = [f"{figures[0]:,.0f}", f"{figures[1]:.1f}"] if figures[1] is not None else ["", ""]
        shown.add_row(name, f"{found['ours_per_second']['median']:,.0f}", f"{found['first_pass']:,.0f}", *cells)
    Console().print(shown)
    write_json(options.json, rounds=options.rounds, rows=len(texts), share=SHARE, results=results)


if __name__ == "__main__":
    main()
