"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    rule = [":---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in (header, rule, *rows))


def key_values(rows: Iterable[tuple[str, str]]) -> str:
    """A Markdown list of `label: value`."""
    return "\n".join(f"- {label}: {one_line(value)}" for label, value in rows)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def one_line(text: str) -> str:
    """The text without breaks and doubled spaces."""
    return " ".join(str(text).split())
