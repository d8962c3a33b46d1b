"""English words in the form that a tag of the Penn Treebank says."""

from __future__ import annotations

import re
from typing import Final

from hf_efficient.techniques.augment.wordnet import PartOfSpeech, WordNet

PARTS: Final[dict[str, PartOfSpeech]] = {
    **dict.fromkeys(("NN", "NNS"), "n"),
    **dict.fromkeys(("VB", "VBD", "VBG", "VBN", "VBP", "VBZ"), "v"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "a"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "r"),
}
"""WordNet's part of speech of each tag whose words may be replaced; names (NNP, NNPS) are none of them."""
_HISSES: Final = re.compile(r"(s|x|z|ch|sh)$")
_CONSONANT_Y: Final = re.compile(r"(?<=[^aeiou])y$")
_SILENT_E: Final = re.compile(r"(?<=[^eoy])e$")


def inflect(words: str, tag: str, wordnet: WordNet) -> str | None:
    """A word, or several, in the form of a tag; None where no rule says it, or lists say more than one."""
    match tag:
        case "NNS":
            *others, noun = words.split(" ")
            form = _form(tag, noun, list(wordnet.irregular_forms(noun, "n")))
            return form and " ".join((*others, form))
        case "VBZ" | "VBG" | "VBD" | "VBN":
            verb, *others = words.split(" ")
            form = _form(tag, verb, [form for form in wordnet.irregular_forms(verb, "v") if _is(tag, form)])
            return form and " ".join((form, *others))
    return None


def _is(tag: str, form: str) -> bool:
    """Whether an irregular form of a verb is the one that the tag says."""
    endings = {"VBG": "ing", "VBZ": "s"}
    return form.endswith(endings[tag]) if tag in endings else not form.endswith(tuple(endings.values()))


def _form(tag: str, word: str, irregular: list[str]) -> str | None:
    if irregular:
        return irregular[0] if len(irregular) == 1 else None
    match tag:
        case "VBG":
            return f"{word[:-2]}ying" if word.endswith("ie") else f"{_SILENT_E.sub('', word)}ing"
        case "VBD" | "VBN":
            return f"{word}d" if word.endswith("e") else f"{_CONSONANT_Y.sub('i', word)}ed"
    return f"{word}es" if _HISSES.search(word) else f"{_CONSONANT_Y.sub('ie', word)}s"
