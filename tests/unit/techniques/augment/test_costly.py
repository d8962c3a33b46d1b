from __future__ import annotations

import pytest

from hf_efficient.errors import AssetError
from hf_efficient.recipe.augment_models import BackTranslation, Contextual, Paraphrase
from hf_efficient.techniques.augment.costly import costly
from tests.tiny_writers import save_masked_lm, save_seq2seq


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return save_seq2seq(tmp_path_factory.mktemp("t5"))


def identity(name, section) -> str:
    return costly(name, section, "cpu", str).identity()


def test_settings_tell_views_apart(t5):
    sections = {
        "paraphrase": [
            Paraphrase(model=t5, **more) for more in ({}, {"temperature": 0.6}, {"top_p": 0.8}, {"prompt": "x"})
        ],
        "contextual": [Contextual(model=t5, **more) for more in ({}, {"share": 0.2}, {"top_k": 4})],
        "back_translation": [
            BackTranslation(forward=t5, **more)
            for more in ({}, {"num_beams": 2}, {"temperature": 0.5}, {"language": "a", "pivot_language": "b"})
        ],
    }
    found = [identity(name, section) for name, each in sections.items() for section in each]
    assert len(set(found)) == len(found)
    assert found == [identity(name, section) for name, each in sections.items() for section in each]


def test_the_files_of_a_model_tell_views_apart_and_not_its_name(t5, tmp_path):
    same, other = save_seq2seq(tmp_path / "same"), save_masked_lm(tmp_path / "other")
    found = [identity("paraphrase", Paraphrase(model=name)) for name in (t5, same, other)]
    assert found[0] == found[1] != found[2]
    there, back = BackTranslation(forward=t5, backward=other), BackTranslation(forward=other, backward=t5)
    assert identity("back_translation", there) != identity("back_translation", back)


@pytest.mark.parametrize(
    ("section", "draws"),
    [
        (Contextual(model="./x"), True),
        (Paraphrase(model="./x"), True),
        (BackTranslation(forward="./x"), False),
        (BackTranslation(forward="./x", temperature=0.9), True),
        (BackTranslation(), False),
    ],
)
def test_chance_decides_where_something_is_drawn(section, draws):
    assert costly("x", section, "cpu", str).draws is draws


def test_each_model_must_be_at_hand(t5):
    with pytest.raises(AssetError, match="backward is nobody/nothing, which is not on this machine"):
        costly("back_translation", BackTranslation(forward=t5, backward="nobody/nothing"), "cpu", str)
