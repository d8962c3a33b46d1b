"""A hand-made lexicon and tagger in the form of the assets."""

from __future__ import annotations

import json
from pathlib import Path

SYNONYMS = {
    ("movie", "n"): {"film": 75, "motion picture": 25},
    ("story", "n"): {"account": 100},
    ("foot", "n"): {"base": 60, "child": 40},
    ("provide", "v"): {"supply": 50, "give up": 30, "furnish": 20},
    ("good", "a"): {"full": 60, "respectable": 40},
    ("good", "n"): {"goodness": 100},
    ("quickly", "r"): {"rapidly": 100},
}
IRREGULAR = {
    ("feet", "n"): "foot",
    ("children", "n"): "child",
    ("gave", "v"): "give",
    ("given", "v"): "give",
    ("supplied", "v"): "supply",
}
TAGS = {
    "movie": "NN",
    "story": "NN",
    "movies": "NNS",
    "Movies": "NNS",
    "provides": "VBZ",
    "provided": "VBD",
    "good": "JJ",
    "quickly": "RB",
    "Paris": "NNP",
}


def write_lexicon(folder: Path) -> str:
    """The folder, with the files of `demo/wordnet` in it."""
    folder.mkdir(parents=True)
    lines = (
        "\t".join((lemma, part, *(f"{word} {percent}" for word, percent in likely.items())))
        for (lemma, part), likely in SYNONYMS.items()
    )
    (folder / "synonyms.tsv").write_text("".join(f"{line}\n" for line in lines))
    irregular = "".join(f"{form}\t{part}\t{lemma}\n" for (form, part), lemma in IRREGULAR.items())
    (folder / "irregular.tsv").write_text(irregular)
    return str(folder)


def write_tagger(folder: Path) -> str:
    """The folder, with the files of `demo/pos-tagger` in it: known words have one tag, all others are determiners."""
    folder.mkdir(parents=True)
    tags = sorted({*TAGS.values(), "DT"})
    contents = {"weights": {"bias": {"DT": 1.0}}, "tagdict": TAGS, "classes": tags}
    for name, content in contents.items():
        (folder / f"averaged_perceptron_tagger_eng.{name}.json").write_text(json.dumps(content))
    return str(folder)
