"""The table of augmenters of texts: from words of the recipe to what makes views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

from hf_efficient.assets import describe, is_asset, resolve
from hf_efficient.assets.cache import is_cached
from hf_efficient.data.files import first_line
from hf_efficient.data.functions import load_function
from hf_efficient.errors import AssetError
from hf_efficient.models.load import Place
from hf_efficient.recipe import augment_texts as words
from hf_efficient.recipe.section import Section
from hf_efficient.techniques.augment import sentences, typos, users
from hf_efficient.techniques.augment.choices import BySurface
from hf_efficient.techniques.augment.costly import COSTLY, costly
from hf_efficient.techniques.augment.random_words import Delete, Swap
from hf_efficient.techniques.augment.replacement import Insert, Replace
from hf_efficient.techniques.augment.synonyms import ReplaceBySynonyms, Synonyms, synonyms_of_any_kind
from hf_efficient.techniques.augment.tagger import Tagger
from hf_efficient.techniques.augment.texts import Augmenter, OfStrings, OfWords
from hf_efficient.techniques.augment.wordnet import WordNet

T = TypeVar("T")


def make_augmenters(
    sections: Mapping[str, Section], place: Place, device: Any = "cpu", *, makes_views: bool = True
) -> dict[str, Augmenter]:
    """The augmenters of texts by their names, with all that they need; models are loaded when they are first asked.

    Without `makes_views` models are not asked: a view that was not made before is its row.

    Raises:
        AssetError: a lexicon or a model is not on this machine.
        PlanError: a function that can't be imported.
    """

    def made(name: str, section: Section) -> Augmenter:
        def place_of(path: str) -> str:
            return place(f"augment.{name}.{path}")

        if type(section) in COSTLY:
            return OfStrings(costly(name, section, device, place_of, makes=makes_views))
        return AUGMENTERS[type(section)](section, place_of)

    return {name: made(name, section) for name, section in sections.items()}


def _synonym(section: words.Synonym, place: Place) -> Augmenter:
    wordnet = _wordnet(section.lexicon, place)
    tagger = _read(_load_tagger, section.tagger, place("tagger"), "NLTK's JSON files, as demo/pos-tagger has them")
    return OfWords(ReplaceBySynonyms(section.share, Synonyms(wordnet, tagger)))


def _random_insert(section: words.RandomInsert, place: Place) -> Augmenter:
    look_up = partial(synonyms_of_any_kind, _wordnet(section.lexicon, place))
    return OfWords(Insert(section.share, BySurface(look_up)))


def _spelling(section: words.Spelling, place: Place) -> Augmenter:
    misspellings = typos.Misspellings(typos.resources() / typos.SPELLING)
    return OfWords(Replace(section.share, BySurface(misspellings)))


def _keyboard(section: words.Keyboard, place: Place) -> Augmenter:
    path = typos.resources() / typos.KEYBOARD.format(language=section.language)
    return OfWords(typos.Keyboard(section.share, typos.read_keyboard(path)))


def _nlpaug(section: words.Nlpaug, place: Place) -> Augmenter:
    where = f"{place('factory')}: {section.factory}"
    return OfStrings(users.Nlpaug.made_by(load_function(section.factory, place("factory")), where))


def _function(section: words.Function, place: Place) -> Augmenter:
    where = f"{place('path')}: {section.path}"
    return OfStrings(users.Function(load_function(section.path, place("path")), where))


def _wordnet(name: str, place: Place) -> WordNet:
    return _read(_load_wordnet, name, place("lexicon"), "synonyms.tsv and irregular.tsv, as demo/wordnet has them")


def _read(load: Callable[[Path], T], name: str, place: str, files: str) -> T:
    folder = _folder(name, place)
    try:
        return load(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise AssetError(f"{place}: expected {name} to hold {files}, found {first_line(error)}") from error


@lru_cache(maxsize=2)
def _load_wordnet(folder: Path) -> WordNet:
    return WordNet.load(folder)


@lru_cache(maxsize=2)
def _load_tagger(folder: Path) -> Tagger:
    return Tagger.load(folder)


def _folder(name: str, place: str) -> Path:
    """The folder of a lexicon, which is not fetched here: a run that needs no network should not try to use one."""
    if is_asset(name) and not is_cached(describe(name)):
        raise AssetError(
            f"{place} is {name}, which is not on this machine; fetch it: `hf-efficient assets fetch {name}`"
        )
    folder = resolve(name) if is_asset(name) else Path(name).expanduser()
    if not folder.is_dir():
        raise AssetError(f"{place}: expected an asset or a directory, found {name}, which is neither; correct the name")
    return folder


AUGMENTERS: Final[dict[type[Section], Callable[[Any, Place], Augmenter]]] = {
    words.Synonym: _synonym,
    words.RandomSwap: lambda section, place: OfWords(Swap(section.share)),
    words.RandomDelete: lambda section, place: OfWords(Delete(section.share)),
    words.RandomInsert: _random_insert,
    words.SentenceReorder: lambda section, place: sentences.reorder,
    words.Spelling: _spelling,
    words.Keyboard: _keyboard,
    words.Nlpaug: _nlpaug,
    words.Function: _function,
}
"""Sub-section of `augment:` → the augmenter with its settings."""
