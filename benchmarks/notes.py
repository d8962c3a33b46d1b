"""Tables and figures of the notes in `docs/results`, between markers that a report fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Row: TypeAlias = Sequence[str]


def table(header: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(note: str, parts: Mapping[str, str]) -> str:
    """The note with what stands between the markers of each part replaced.

    Raises:
        SystemExit: it lacks a marker.
    """
    for name, text in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in note or end not in note:
            raise SystemExit(f"the note has no place for {name}: it needs {start} and {end}.")
        before, _, rest = note.partition(start)
        note = f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}"
    return note
