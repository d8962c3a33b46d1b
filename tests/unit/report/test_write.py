from __future__ import annotations

import json

import pytest

from hf_efficient.errors import RunDirectoryError
from hf_efficient.report import read_report, write_reports
from hf_efficient.report.write import write_file
from tests.unit.report import reports


def write(run_dir, report) -> None:
    write_reports(run_dir, report, reports.HISTORY, reports.RECIPE, reports.ASSETS)


def test_what_was_written_is_read_back(tmp_path):
    report = reports.single_label()
    report["notes"] = ["größer – 大"]
    write(tmp_path, report)
    assert read_report(tmp_path) == report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "report.json", "report.md"]
    assert "größer – 大" in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_an_unfinished_run_has_no_report(tmp_path):
    assert read_report(tmp_path) is None


def test_report_json_comes_last(tmp_path):
    (tmp_path / "report.md").mkdir()
    with pytest.raises(RunDirectoryError, match=r"report\.md: can't be written"):
        write(tmp_path, reports.single_label())
    assert read_report(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "report.md"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write(tmp_path, reports.single_label())

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(RunDirectoryError, match="No space left on device"):
        write(tmp_path, reports.regression())
    monkeypatch.undo()
    assert read_report(tmp_path) == reports.single_label()
    assert not list(tmp_path.glob(".*"))


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "rows.csv"
    write_file(path, lambda partial: partial.write_text("whole"))

    def is_cut_off(partial):
        partial.write_text("ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(RunDirectoryError, match=r"rows\.csv: can't be written \(No space left on device\); free the"):
        write_file(path, is_cut_off)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("rows.csv", "whole")]


def test_not_a_number_is_refused_before_anything_is_written(tmp_path):
    report = reports.single_label()
    report["training"]["train_loss"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path, report)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "can't be read"),
        ("[]", "found 'list'"),
        ("{}", "found None"),
        (json.dumps({"format": 2}), "found 2"),
        (json.dumps({"format": 1, "task": {}}), "expected a section 'model'"),
    ],
)
def test_a_damaged_report_is_an_error_of_one_line(tmp_path, text, found):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(RunDirectoryError) as error:
        read_report(tmp_path)
    assert found in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "report.json"))
    assert "\n" not in str(error.value)
