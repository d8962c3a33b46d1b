"""Files that people have filled in, as editors and spreadsheets leave them."""

from __future__ import annotations

import json

import pytest

from hf_efficient.errors import DataError, RunDirectoryError
from hf_efficient.experiments.active.labellers.answers import understand
from hf_efficient.experiments.active.labellers.formats import SUFFIXES, read_answers, write_questions
from hf_efficient.experiments.active.state import LabelLog

CLASSES = ("cooking", "sailing")
TEXTS = ["stir; the soup", 'hoist "the" sail', "bake,\nthe bread", "drop the anchör"]
ROWS = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]


def read(path, text=None, encoding="utf-8"):
    if text is not None:
        path.write_bytes(text.encode(encoding))
    find = {text: number for number, text in enumerate(TEXTS)}

    def is_text_of(answer, row):
        return answer.texts.get("text") in (None, TEXTS[row], "x")

    return understand(
        read_answers(path, CLASSES), CLASSES, lambda answer: find.get(answer.texts.get("text")), is_text_of, 4
    )


def skipped(found):
    return [row for row, label in found.answers.items() if label is None]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_fresh_file_has_no_answers_and_says_the_texts_as_they_are(tmp_path, suffix):
    path = tmp_path / f"rows{suffix}"
    write_questions(path, ROWS)
    assert [answer.texts["text"] for answer in read_answers(path)] == TEXTS
    assert read(path).labels == {}
    assert read(path).problems == []


def test_rows_that_cant_be_written_are_said(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"rows\.csv: can't be written \(No such file"):
        write_questions(tmp_path / "none" / "rows.csv", ROWS)


def test_label_studio_is_given_tasks(tmp_path):
    path = tmp_path / "rows.json"
    write_questions(path, ROWS[:1])
    assert json.loads(path.read_text()) == [{"data": {"id": 0, "text": "stir; the soup"}}]
    assert set(SUFFIXES.values()) == {".csv", ".jsonl", ".json"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_spreadsheet_s_separators_marks_and_letters_are_read(tmp_path, separator, encoding):
    rows = [("id", "text", "label"), ("3", "drop the anchör", " Sailing "), ("0", "x", "cooking"), ("1", "x", "")]
    text = "".join(separator.join(row) + "\r\n" for row in rows)
    found = read(tmp_path / "rows.csv", text, encoding)
    assert found.labels == {3: "sailing", 0: "cooking"}
    assert found.problems == []


def test_rows_may_be_moved_left_out_skipped_and_found_by_their_text(tmp_path):
    found = read(tmp_path / "rows.csv", "label,id,note\ncooking,2,\nskip,1,unsure\n")
    assert (found.labels, skipped(found)) == ({2: "cooking"}, [1])
    assert read(tmp_path / "rows.csv", 'text,label\n"hoist ""the"" sail",sailing\n').labels == {1: "sailing"}


def test_what_is_wrong_is_said_with_its_line_and_the_rest_is_kept(tmp_path):
    found = read(tmp_path / "rows.csv", "id,label\n0,cooking\n1,sialing\n9,cooking\nzero,cooking\n")
    assert found.labels == {0: "cooking"}
    place = tmp_path / "rows.csv"
    assert found.problems == [
        f"{place}:3: expected one of cooking, sailing or skip, found sialing. Did you mean sailing?",
        f"{place}:4: expected a number below 4 as id, found 9",
        f"{place}:5: expected a number below 4 as id, found zero",
    ]


def test_an_id_beside_another_row_s_text_is_no_answer(tmp_path):
    found = read(
        tmp_path / "rows.csv", 'id,text,label\n0,"hoist ""the"" sail",sailing\n1,"hoist ""the"" sail",sailing\n'
    )
    assert found.labels == {1: "sailing"}
    (problem,) = found.problems
    assert problem == (
        f"{tmp_path / 'rows.csv'}:2: expected the text of the pool's row 0 beside its id, found another; correct one "
        "of them, or take the column id out to go by the texts"
    )


def test_the_last_answer_for_a_row_counts(tmp_path):
    found = read(tmp_path / "rows.csv", "id,label\n0,cooking\n0,sailing\n1,skip\n1,cooking\n2,cooking\n2,skip\n")
    assert (found.labels, skipped(found)) == ({0: "sailing", 1: "cooking"}, [2])


def test_a_loop_s_own_labels_are_those_that_were_not_taken_back(tmp_path):
    log = LabelLog(tmp_path / "labels.jsonl", CLASSES)
    log.give_all({0: "cooking", 1: "cooking", 2: "sailing"}, "web")
    log.skip(3, "web")
    log.undo(0, "web")
    log.undo(3, "web")
    log.undo(1, "web")
    log.give(1, "sailing", "web")
    found = read(log.path)
    assert (found.labels, skipped(found)) == (log.labels, []) == ({1: "sailing", 2: "sailing"}, [])


@pytest.mark.parametrize("end", range(8, 30))
def test_a_csv_that_is_cut_off_anywhere_gives_no_wrong_label(tmp_path, end):
    whole = "id,label\n0,cooking\n1,sailing\n"
    found = read(tmp_path / "rows.csv", whole[:end])
    assert found.labels.items() <= {0: "cooking", 1: "sailing"}.items()
    assert len(found.problems) == (
        whole[:end].rpartition(",")[2] in [name[:n] for name in CLASSES for n in range(1, 7)]
    )


def test_a_label_that_may_be_the_beginning_of_another_is_said(tmp_path):
    path = tmp_path / "rows.csv"
    for text, labels, problems in (
        (
            "id,label\n0,1",
            {},
            [f"{path}:2: 1 may be the beginning of another label; add a line break"],
        ),
        ("id,label\n0,1\n", {0: "1"}, []),
        ("id,label\n0,10", {0: "10"}, []),
    ):
        path.write_text(text)
        found = understand(read_answers(path, ("1", "10")), ("1", "10"), lambda a: None, lambda a, row: True, 4)
        assert (found.labels, found.problems) == (labels, problems)


def test_cells_of_any_length_are_read(tmp_path):
    path = tmp_path / "rows.csv"
    text = "stir the soup, " * 20_000
    write_questions(path, [{"id": 0, "text": text}])
    assert [answer.texts["text"] for answer in read_answers(path)] == [text]
    with pytest.raises(DataError, match=r"rows.csv:2: its quotation marks don't fit \(unexpected end of data\)"):
        read(path, 'id,text,label\n1,"unfinished,cooking\n2,bake,sailing\n')
    assert read(path, 'id,text,label\n1,x,cooking\n2,"bak').labels == {1: "cooking"}


@pytest.mark.parametrize("end", range(0, 60, 3))
def test_a_jsonl_that_is_cut_off_anywhere_gives_no_wrong_label(tmp_path, end):
    whole = '{"id": 0, "label": "cooking"}\n{"id": 1, "label": "sailing"}\n'
    found = read(tmp_path / "rows.jsonl", whole[:end])
    assert found.labels.items() <= {0: "cooking", 1: "sailing"}.items()
    assert found.problems == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rows.csv", "id;class\n0;cooking\n", r"rows\.csv:1: expected columns id and label, found id;class"),
        ("rows.csv", "", "expected columns id and label, found nothing"),
        ("rows.jsonl", '{"id": 0\n{"id": 1}\n', r"rows\.jsonl:1: expected a JSON object"),
        ("rows.jsonl", '[1]\n{"id": 1}\n', r"rows\.jsonl:1: expected a JSON object"),
        ("rows.json", '[{"text": "a"}]', "expected Label Studio's export as JSON"),
        ("rows.cvs", "", r"expected a file ending in .*Did you mean \.csv"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / name, text)
    assert "\n" not in str(caught.value)


def annotation(choice, updated="2026-01-01", cancelled=False):
    result = [{"type": "choices", "from_name": "topic", "value": {"choices": [choice]}}] if choice else []
    return {"result": result, "was_cancelled": cancelled, "updated_at": updated}


def test_label_studio_s_export(tmp_path):
    tasks = [
        {"id": 71, "data": {"id": 2, "text": "x"}, "annotations": [annotation("cooking")]},
        {"id": 72, "data": {"text": "stir; the soup"}, "annotations": [annotation("Cooking")]},
        {"id": 73, "data": {"id": 3}, "annotations": [annotation("sailing", "2026-02-01"), annotation("cooking")]},
        {"id": 74, "data": {"id": 1}, "annotations": [annotation("sailing", cancelled=True)]},
        {"id": 75, "data": {"id": 1}, "annotations": []},
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    found = read(path)
    assert found.labels == {2: "cooking", 0: "cooking", 3: "sailing"}
    assert skipped(found) == [1]
    assert found.problems == []
