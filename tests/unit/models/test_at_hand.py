from __future__ import annotations

import pytest

from hf_efficient.errors import AssetError
from hf_efficient.models.at_hand import require_at_hand


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["demo/tiny-bert", "here", "./nowhere", "~/nowhere", "runs/large/model"])
def test_what_is_here_or_a_path_passes(name, tmp_path):
    (tmp_path / "here").mkdir()
    require_at_hand(name, "here")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("demo/minilm-l6", "hf-efficient assets fetch demo/minilm-l6"),
        ("t5-small", "hf download t5-small"),
        ("google/t5", "hf download google/t5"),
        ("no name", "hf download no name"),
    ],
)
def test_what_is_not_here_is_named_with_the_command_that_fetches_it(name, command):
    with pytest.raises(
        AssetError, match=rf"^a\.yaml:3: x is {name}, which is not on this machine; fetch it: `{command}`$"
    ):
        require_at_hand(name, "a.yaml:3: x")


def test_an_unknown_asset_is_refused():
    with pytest.raises(AssetError, match=r"demo/minilm-16 is not an asset\. Did you mean"):
        require_at_hand("demo/minilm-16", "x")
