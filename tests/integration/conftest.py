from __future__ import annotations

import pytest

from tests.integration.command_line import CommandLine


@pytest.fixture
def command_line(tmp_path, monkeypatch, capsys) -> CommandLine:
    """The command line in an empty folder, with a cache of its own."""
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    return CommandLine(tmp_path, capsys)
