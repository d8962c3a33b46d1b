from __future__ import annotations

import pytest

from tests.integration.command_line import CommandLine


@pytest.fixture
def command_line(tmp_path, own_cache, capsys) -> CommandLine:
    """The command line in an empty folder, with a cache of its own."""
    return CommandLine(tmp_path, capsys)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder that the tests of a module share."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def shared_cache(home, monkeypatch):
    """A cache that the tests of a module share, and no others."""
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(home / "cache"))
