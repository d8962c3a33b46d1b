"""Words in the form of a tag."""

import pytest

from hf_efficient.techniques.augment.inflection import inflect
from hf_efficient.techniques.augment.wordnet import WordNet

IRREGULAR = {"came": "come", "ran": "run", "gave": "give", "given": "give", "beaten": "beat", "shown": "show"}


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    (folder / "synonyms.tsv").write_text("run\tv\tgo 100\n")
    lines = [f"{form}\tv\t{lemma}\n" for form, lemma in {**IRREGULAR, "putting": "put", "led": "lead"}.items()]
    (folder / "irregular.tsv").write_text("".join([*lines, "children\tn\tchild\n"]))
    return WordNet.load(folder)


@pytest.mark.parametrize(
    ("words", "tag", "form"),
    [
        ("put", "VBD", "put"),
        ("put", "VBN", "put"),
        ("put", "VBG", "putting"),
        ("read", "VBD", "read"),
        ("come", "VBD", "came"),
        ("come", "VBN", "come"),
        ("run away", "VBN", "run away"),
        ("beat", "VBD", "beat"),
        ("beat", "VBN", "beaten"),
        ("show", "VBD", "showed"),
        ("show", "VBN", "shown"),
        ("lead", "VBN", "led"),
        ("carry", "VBZ", "carries"),
        ("carry on", "VBD", "carried on"),
        ("lie", "VBG", "lying"),
        ("small child", "NNS", "small children"),
        ("fireman", "NNS", "firemen"),
        ("human", "NNS", "humans"),
        ("give", "VBD", None),  # gave or given: the lists don't say which
    ],
)
def test_a_form_is_that_of_the_tag(wordnet, words, tag, form):
    assert inflect(words, tag, wordnet) == form
