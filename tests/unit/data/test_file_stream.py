from __future__ import annotations

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from hf_efficient.data import file_stream
from hf_efficient.data.file_stream import stream_file
from hf_efficient.data.files import SUFFIXES, read_file
from hf_efficient.errors import DataError, RecipeError

TEXTS = ["plain", "NA", 'a "quote", a comma', "two\nlines", "", "é"]


def write(path, texts):
    """A file of rows with a text and a number."""
    rows = [{"text": text, "label": number} for number, text in enumerate(texts)]
    if path.suffix in (".csv", ".tsv"):
        separator = "," if path.suffix == ".csv" else "\t"
        quoted = ('"{}"'.format(text.replace('"', '""')) for text in texts)
        lines = [separator.join(("text", "label")), *(f"{t}{separator}{n}" for n, t in enumerate(quoted))]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    elif path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".txt":
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n\n" for row in rows), encoding="utf-8")
    return path


def read(path, schema=None):
    return pa.concat_tables(stream_file(path, schema)).to_pylist()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_gives_the_same_rows_streamed_and_whole(suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(file_stream, "CHUNK", 2)
    path = write(tmp_path / f"a{suffix}", TEXTS)
    assert read(path) == read_file(path).to_list()
    schema = next(stream_file(path)).select(["text"]).schema
    assert read(path, schema) == read_file(path).select_columns("text").to_list()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".txt"])
def test_tables_come_one_at_a_time(suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(file_stream, "CHUNK", 100)
    monkeypatch.setattr(file_stream, "_BLOCK", 1000)
    path = write(tmp_path / f"a{suffix}", [f"text {number}" for number in range(1000)])
    tables = list(stream_file(path))
    assert len(tables) >= 10
    assert max(map(len, tables)) <= 110
    assert sum(map(len, tables)) == 1000


def test_later_rows_keep_the_types_of_a_schema(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n007,1\n008,2\n")
    assert read(path, pa.schema({"text": pa.string()})) == [{"text": "007"}, {"text": "008"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\na,b,c\n", r"a\.csv row 1: expected 2 columns, found 3; put quotes round values"),
        ("a.csv", "text,text\na,b\n", r"a\.csv:1: expected one column of each name, found several named text"),
        ("a.csv", "", r"a\.csv: Empty CSV file"),
        ("a.jsonl", '{"text": "a"}\n{"text"\n', r"a\.jsonl:2: expected one JSON object a line, found broken JSON"),
        ("a.jsonl", '{"text": "a"}\n\n{"text": 1}\n', r"a\.jsonl: row 3: column text holds 1 where the rows before"),
        ("a.json", '[{"text": "a"}]', r"a\.json: expected one JSON object a line, found a list; a stream needs jsonl"),
        ("a.csv", f"text,label\na,1\n{'x' * 3_000_000},1\n", r"a\.csv: expected rows of at most 1,048,576 bytes; use"),
        ("a.csv", b"text,label\na,1\n\xff,1\n", r"a\.csv: column text: expected UTF-8, found other bytes"),
        ("a.txt", b"a\n\xff\n", r"a\.txt: expected UTF-8, found byte 0xff; save it as UTF-8"),
        ("a.parquet", "text" * 9, r"a\.parquet: Parquet magic bytes not found"),
    ],
)
def test_what_can_not_be_read(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_value_of_another_type_than_the_first_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,1\nb,many\n")
    with pytest.raises(DataError, match=r"a\.csv: .*many.*; a stream's columns are of the types that its first rows"):
        read(path, pa.schema({"text": pa.string(), "label": pa.int64()}))


def test_a_column_that_a_later_file_lacks(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("txet,label\na,1\n")
    with pytest.raises(DataError, match=r"a\.csv: expected the columns of the first rows: .*text"):
        read(path, pa.schema({"text": pa.string()}))


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(RecipeError, match="there is no such file"):
        read(tmp_path / "a.csv")
    (tmp_path / "a.pdf").touch()
    with pytest.raises(RecipeError, match="expected a file ending in"):
        read(tmp_path / "a.pdf")
