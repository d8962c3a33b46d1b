from __future__ import annotations

import pytest

from hf_efficient.errors import AssetError
from hf_efficient.models.at_hand import folder_of, require_at_hand


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


def test_a_model_of_the_hub_is_here_once_its_weights_are(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda name, file: str(tmp_path / file))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AssetError, match="fetch it: `hf download a/b`"):
        require_at_hand("a/b", "x")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert folder_of("a/b", "x") == tmp_path


def test_an_unknown_asset_is_refused():
    with pytest.raises(AssetError, match=r"demo/minilm-16 is not an asset\. Did you mean"):
        require_at_hand("demo/minilm-16", "x")
