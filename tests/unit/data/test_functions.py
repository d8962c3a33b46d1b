"""Functions of the user's own."""

from __future__ import annotations

import pytest

from hf_efficient.data.functions import load_function
from hf_efficient.errors import PlanError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a module into the working directory."""
    monkeypatch.chdir(tmp_path)
    return lambda name, code: (tmp_path / f"{name}.py").write_text(code)


def test_a_module_of_the_working_directory_is_found(write):
    write("own_scores", "def scores(rows):\n    return [len(rows)]\n")
    assert load_function("own_scores:scores", "here")("abc") == [3]


@pytest.mark.parametrize(
    ("code", "reason"), [("1 / 0", "ZeroDivisionError: division by zero"), ("def", "SyntaxError: invalid syntax")]
)
def test_a_module_that_fails_is_told_in_a_line(write, code, reason):
    write("failing", code)
    with pytest.raises(
        PlanError, match=f"^here: failing can't be imported \\({reason}.*; write package.module:functio"
    ):
        load_function("failing:scores", "here")
