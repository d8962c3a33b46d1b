"""One thread, no network, an own cache: what every test relies on."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite("tests.splits")

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
