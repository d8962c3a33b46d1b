"""The command line: a command a file, no logic."""

from __future__ import annotations

from hf_efficient.cli.app import main, run

__all__ = ["main", "run"]
