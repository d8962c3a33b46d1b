from __future__ import annotations

from dataclasses import replace

import pytest

from hf_efficient.assets import ASSETS, Asset


@pytest.fixture
def asset(tmp_path, monkeypatch) -> Asset:
    """An asset of a throw-away cache."""
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "home"))
    return replace(ASSETS["demo/reuters-r8"], name="demo/tiny", version=3)
