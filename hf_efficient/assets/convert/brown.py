"""The Brown corpus: 500 documents of American English, each word with its part of speech (Francis and Kučera, 1979)."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hf_efficient.assets.convert.parquet import write_parquet

HELD_OUT = 0.2
SEED = 0
_DOCUMENT = re.compile(r"package/(c[a-r]\d\d)")

_BROWN_TAGS: Final = {
    "NOUN": "nn nns np nps nr nrs",
    "VERB": "be bed bedz beg bem ben ber bez do dod doz hv hvd hvg hvn hvz md vb vbd vbg vbn vbz",
    "ADJ": "jj jjr jjs jjt",
    "ADV": "* ql qlp rb rbr rbt rn wql wrb",
    "PRON": "ex pn pp ppl ppls ppo pps ppss wp wpo wps",
    "DET": "abl abn abx ap at dt dti dts dtx wdt",
    "ADP": "in",
    "CONJ": "cc cs",
    "NUM": "cd od",
    "PRT": "rp to",
    "PUNCT": ". , : ( ) ' `` '' --",
    "X": "nil uh",
}
"""The tags of Brown that each of the twelve coarse ones stands for, without their endings."""

COARSE: Final = {tag: coarse for coarse, tags in _BROWN_TAGS.items() for tag in tags.split()}


@dataclass(frozen=True)
class Sentence:
    """The words of a sentence, the part of speech of each, and the document that it stands in."""

    tokens: list[str]
    tags: list[str]
    document: str


def convert(source: Path, target: Path) -> None:
    """Write `train.parquet` and `validation.parquet`: whole documents, so that no text is on both sides."""
    documents = read(next(source.glob("*.tgz")))
    held_out = choose_held_out(documents)
    sentences = [sentence for name in sorted(documents) for sentence in parse(name, documents[name])]
    write_parquet((s for s in sentences if s.document not in held_out), target / "train.parquet")
    write_parquet((s for s in sentences if s.document in held_out), target / "validation.parquet")


def read(archive: Path) -> dict[str, str]:
    """The text of each document by its name; its first two letters are its genre."""
    documents = {}
    with tarfile.open(archive) as package:
        for entry in package:
            found = _DOCUMENT.fullmatch(entry.name)
            if found and (content := package.extractfile(entry)) is not None:
                documents[found[1]] = content.read().decode()
    return documents


def choose_held_out(documents: Iterable[str]) -> set[str]:
    """Names of the validation documents: of each genre the fifth that comes first by hash."""
    genres: dict[str, list[str]] = {}
    for name in documents:
        genres.setdefault(name[:2], []).append(name)
    return {name for same in genres.values() for name in sorted(same, key=_rank)[: round(HELD_OUT * len(same))]}


def _rank(name: str) -> str:
    return hashlib.sha256(f"{SEED}:{name}".encode()).hexdigest()


def parse(name: str, text: str) -> Iterator[Sentence]:
    """The sentences of a document, one a line, words written as `word/tag`."""
    for line in text.splitlines():
        words = [word.rpartition("/") for word in line.split()]
        if words:
            yield Sentence([word for word, _, _ in words], [coarse_tag(tag) for _, _, tag in words], name)


def coarse_tag(tag: str) -> str:
    """The coarse part of speech of one of Brown's tags.

    A foreign word (`fw-`) is X. Headline, title and citation marks (`-hl`, `-tl`, `-nc`) say nothing of the word, nor
    do `$` for a genitive and `*` for a contracted not; of a contraction such as `ppss+md` the first part counts.
    """
    tag = tag.lower()
    if tag in COARSE:
        return COARSE[tag]
    if tag.startswith("fw-"):
        return "X"
    return COARSE[re.sub(r"(-(hl|tl|nc))+$", "", tag).split("+")[0].rstrip("$*") or "*"]
