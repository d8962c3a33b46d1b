from __future__ import annotations

import json

import pandas as pd
import pytest

from hf_efficient.data.files import read_file
from hf_efficient.errors import DataError, RecipeError


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\n"one, two",3\nNA,7\n'),
        ("a.csv", '\ufefftext,label\r\n"one, two",3\r\nNA,7'),
        ("a.tsv", "text\tlabel\none, two\t3\nNA\t7\n"),
        ("a.json", '[{"text": "one, two", "label": 3},\n {"text": "NA", "label": 7}]'),
        ("a.json", '{"text": "one, two", "label": 3}\n{"text": "NA", "label": 7}\n'),
        ("a.jsonl", '\n{"text": "one, two", "label": 3}\n{"text": "NA", "label": 7}'),
    ],
)
def test_the_same_rows_from_every_kind_of_file(tmp_path, name, content):
    assert read_file(write(tmp_path, name, content)).to_list() == [
        {"text": "one, two", "label": 3},
        {"text": "NA", "label": 7},
    ]


def test_parquet_with_categories(tmp_path):
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Categorical(["x", "y"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet").to_list() == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


def test_a_line_of_text_is_a_row(tmp_path):
    assert read_file(write(tmp_path, "a.txt", "one\r\n\n12\n")).to_list() == [
        {"text": "one"},
        {"text": ""},
        {"text": "12"},
    ]


def test_csv_values_may_hold_line_breaks(tmp_path):
    rows = read_file(write(tmp_path, "a.csv", 'text,label\n"one\ntwo",a\n'))
    assert rows[0] == {"text": "one\ntwo", "label": "a"}


def test_rows_of_json_may_lack_a_value_or_bring_a_new_one(tmp_path):
    rows = read_file(write(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": "b", "label": 1}\n'))
    assert rows.to_list() == [{"text": "a", "label": None}, {"text": "b", "label": 1}]


def test_json_strings_may_hold_unicode_line_separators(tmp_path):
    line = json.dumps({"text": "a\u2028b"}, ensure_ascii=False)
    assert read_file(write(tmp_path, "a.jsonl", line)).to_list() == [{"text": "a\u2028b"}]


def test_a_changed_file_of_the_same_name_is_read_anew(tmp_path):
    path = write(tmp_path, "a.csv", "text,label\na,1\n")
    before = path.stat()
    assert read_file(path)[0]["text"] == "a"
    path.write_text("text,label\nb,1\n")
    import os

    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read_file(path)[0]["text"] == "b"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "a.csv: expected a header and rows, found an empty file"),
        ("a.csv", "text,label\n", "a.csv: expected rows, found none"),
        ("a.csv", 'text,label\n"a\nb",1\nc,2,3\n', "a.csv:4: expected 2 columns, found 3; put quotes"),
        ("a.csv", "text,text\na,b\n", "a.csv:1: expected one column of each name, found several named text"),
        ("a.csv", b"text,label\na,1\nb\xff,2\n", "a.csv:3: expected UTF-8, found byte 0xff; save it as UTF-8"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "a.jsonl:2: expected one JSON object a line, found broken JSON"),
        ("a.jsonl", "[1]\n".replace("[1]", "3"), "a.jsonl:1: expected one JSON object a line, found 3"),
        ("a.json", '[{"text": "a"},\n oops]', "a.json:2: broken JSON"),
        ("a.json", '[{"text": "a"}, "b"]', "a.json: row 2: expected an object, found 'b'"),
        ("a.json", "[]", "a.json: expected rows, found none"),
        ("a.jsonl", '{"text": "a"}\n{"text": 3.5}\n', "a.jsonl: row 2: column text holds 3.5 where the rows before"),
        ("a.parquet", b"PAR1 but not really", "a.parquet: expected a parquet file"),
        ("a.txt", "", "a.txt: expected rows, found none"),
    ],
)
def test_broken_files_are_one_line_that_says_where(tmp_path, name, content, said):
    with pytest.raises(DataError) as raised:
        read_file(write(tmp_path, name, content))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_names_the_nearest(tmp_path):
    write(tmp_path, "train.csv", "text\na\n")
    with pytest.raises(RecipeError, match=r"trian.csv: there is no such file. Did you mean train.csv\?"):
        read_file(tmp_path / "trian.csv")


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    path = write(tmp_path, "a.xlsx", "text")
    with pytest.raises(RecipeError, match=r"expected a file ending in \.csv, \.tsv, .*; found \.xlsx"):
        read_file(path)
