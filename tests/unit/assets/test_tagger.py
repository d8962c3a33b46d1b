from __future__ import annotations

import json
import pickle
from fractions import Fraction

import pytest

from hf_efficient.assets.convert import tagger
from hf_efficient.errors import AssetError


@pytest.fixture
def folders(tmp_path):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    return tmp_path / "source", tmp_path / "target"


def test_a_pickle_of_plain_values_becomes_three_json_files(folders):
    source, target = folders
    content = ({"bias": {"NN": 1.5}}, {"the": "DT"}, {"NN", "DT"})
    (source / "tagger.pickle").write_bytes(pickle.dumps(content, protocol=2))
    tagger.convert(source, target)
    written = [json.loads((target / f"averaged_perceptron_tagger_eng.{name}.json").read_text()) for name in PARTS]
    assert written == [{"bias": {"NN": 1.5}}, {"the": "DT"}, ["DT", "NN"]]


PARTS = ("weights", "tagdict", "classes")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Fraction(1, 2), "it asks for fractions.Fraction"),
        ({"bias": 1.0}, "values to unpack"),
        (({}, {}, 3), "not iterable"),
    ],
)
def test_a_pickle_that_asks_for_code_is_refused_unread(folders, content, said):
    source, target = folders
    (source / "tagger.pickle").write_bytes(pickle.dumps(content))
    with pytest.raises(AssetError, match=f"tagger.pickle is not the tagger's pickle: .*{said}"):
        tagger.convert(source, target)
    assert not list(target.iterdir())
