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
BASE_TAGS: Final = ("NN", "VB", "VBP", "JJ", "RB")
"""Tags of words in their base form."""
_UNCHANGING: Final = """
    bet bid burst cast cost cut hit hurt knit let put quit read rid set shed shut slit split spread thrust upset wed
    broadcast forecast offset outbid preset recast reread reset typecast undercut
"""
_OWN_FORM: Final = {
    "VBD": {*_UNCHANGING.split(), "beat", "browbeat"},
    "VBN": {*_UNCHANGING.split(), "become", "come", "outrun", "overcome", "overrun", "rerun", "run"},
}
"""Verbs whose past, or past participle, is the verb itself, which WordNet's lists of exceptions leave out."""
_REGULAR_PAST: Final = ("mow", "prove", "saw", "sew", "shave", "shear", "show", "sow", "strew", "swell")
"""Verbs of whose exceptions there is only the participle."""
_NOT_OF_MEN: Final = ("caiman", "german", "human", "norman", "ottoman", "roman", "shaman", "talisman")
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
            form = _form_of_verb(tag, verb, wordnet)
            return form and " ".join((form, *others))
    return None


def _form_of_verb(tag: str, verb: str, wordnet: WordNet) -> str | None:
    if verb in _OWN_FORM.get(tag, ()):
        return verb
    if tag == "VBD" and verb in _REGULAR_PAST:
        return _form(tag, verb, [])
    return _form(tag, verb, [form for form in wordnet.irregular_forms(verb, "v") if _is(tag, form)])


def _is(tag: str, form: str) -> bool:
    """Whether an irregular form of a verb is the one that the tag says."""
    endings = {"VBG": "ing", "VBZ": "s"}
    return form.endswith(endings[tag]) if tag in endings else not form.endswith(tuple(endings.values()))


def _form(tag: str, word: str, irregular: list[str]) -> str | None:
    if irregular:
        return irregular[0] if len(irregular) == 1 else None
    match tag:
        case "NNS" if word.endswith("man") and word not in _NOT_OF_MEN:
            return f"{word.removesuffix('man')}men"
        case "VBG":
            return f"{word[:-2]}ying" if word.endswith("ie") else f"{_SILENT_E.sub('', word)}ing"
        case "VBD" | "VBN":
            return f"{word}d" if word.endswith("e") else f"{_CONSONANT_Y.sub('i', word)}ed"
    return f"{word}es" if _HISSES.search(word) else f"{_CONSONANT_Y.sub('ie', word)}s"
