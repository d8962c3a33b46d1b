"""Records on disk: none is lost, whatever a kill leaves behind."""

from __future__ import annotations

import pytest

from hf_efficient.errors import RunDirectoryError
from hf_efficient.experiments.json_lines import append_lines, read_lines, read_rows


def test_half_a_line_is_none_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "labels.jsonl"
    append_lines(path, [{"id": 1, "label": "a"}, {"id": 2, "label": "ü"}])
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        kept = list(read_lines(path))
        assert kept == [{"id": 1, "label": "a"}, {"id": 2, "label": "ü"}][: len(kept)]
        assert len(kept) >= whole[:cut].count(b"\n")
        append_lines(path, [{"id": 9, "label": "b"}])
        assert list(read_lines(path)) == [*kept, {"id": 9, "label": "b"}]


def test_a_damaged_line_elsewhere_is_said(tmp_path):
    path = tmp_path / "labels.jsonl"
    for damaged in ('{"id": 1', "[1]", " "):
        path.write_text(damaged + '\n{"id": 2, "label": "a"}\n')
        with pytest.raises(RunDirectoryError) as error:
            list(read_lines(path))
        assert str(error.value) == f"{path}:1: expected a JSON object, found {damaged}; take the line away."


def test_rows_are_found_by_what_tells_them_apart(tmp_path):
    path = tmp_path / "results.jsonl"
    assert read_rows(path, "arm", "seed") == {}
    rows = [{"arm": "a", "seed": 0, "x": 1}, {"arm": "a", "seed": 1, "x": 2}, {"arm": "a", "seed": 0, "x": 3}]
    append_lines(path, rows)
    assert read_rows(path, "arm", "seed") == {("a", 0): rows[2], ("a", 1): rows[1]}
    append_lines(path, [{"arm": "b"}])
    with pytest.raises(RunDirectoryError, match=r"results\.jsonl:4: expected seed, found none; take the line away"):
        read_rows(path, "arm", "seed")


def test_what_cant_be_written_is_said(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"results\.jsonl: can't be written \(No such file"):
        append_lines(tmp_path / "none" / "results.jsonl", [{}])
