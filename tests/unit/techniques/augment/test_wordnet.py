from __future__ import annotations

import pytest

from hf_efficient.techniques.augment.wordnet import Synonym, WordNet


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wordnet")
    lines = [
        "film\tn\tmovie 34\tmotion picture 3",
        "film\tv\tshoot 100",
        "foot\tn\tpes 5",
        "box\tn\tcase 9",
        "lady\tn\tdame 2",
    ]
    lines += ["make\tv\tcreate 16", "go\tv\ttravel 13", "large\ta\tbig 80", "as\tn\tarsenic 1"]
    (folder / "synonyms.tsv").write_text("\n".join(lines))
    (folder / "irregular.tsv").write_text("feet\tn\tfoot\nwent\tv\tgo\nmice\tn\tmouse\n")
    return WordNet.load(folder)


def test_synonyms_stand_in_the_order_of_the_file(lexicon):
    assert lexicon.synonyms("film", "n") == (Synonym("movie", 34), Synonym("motion picture", 3))
    assert lexicon.synonyms("film", "v") == (Synonym("shoot", 100),)
    assert lexicon.synonyms("film", "a") == ()
    assert lexicon.parts("film") == ("n", "v")


@pytest.mark.parametrize(
    ("form", "part", "lemma"),
    [
        ("film", "n", "film"),
        ("films", "n", "film"),
        ("filming", "v", "film"),
        ("feet", "n", "foot"),
        ("went", "v", "go"),
        ("boxes", "n", "box"),
        ("ladies", "n", "lady"),
        ("making", "v", "make"),
        ("larger", "a", "large"),
        ("largest", "a", "large"),
        ("films", "a", None),
        ("mice", "n", None),  # its lemma has no synonym
        ("as", "n", "as"),
    ],
)
def test_forms_lead_to_lemmas_that_have_synonyms(lexicon, form, part, lemma):
    assert lexicon.lemma(form, part) == lemma
