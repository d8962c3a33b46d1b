"""What tables that compare runs share."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hf_efficient.report.comparison import average, print_compared, spread


def test_the_mean_of_what_was_measured_and_its_deviation():
    assert average([1.0, None, 2.0], "{:.1f}".format) == "1.5"
    assert average([None], "{:.1f}".format) == spread([], "{:.1f}".format) == "not measured"
    # The deviation of 1, 2 and 3 is 1; that of one number is not known.
    assert spread([1.0, 2.0, None, 3.0], "{:.1f}".format) == "2.0 ± 1.0"
    assert spread([2.0], "{:.1f}".format) == "2.0"
    assert spread([1.0, 3.0], "{:+.1f}".format) == "+2.0 ± 1.4"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_table_that_is_wider_than_the_console_is_whole(is_terminal):
    header = ["arm", *(f"Accuracy\ntest {number}" for number in range(8))]
    line = ["an-arm-of-a-long-name", *(f"0.{number}000 ± 0.0123" for number in range(8))]
    text = io.StringIO()
    print_compared([header, line], Console(file=text, force_terminal=is_terminal, color_system=None, width=40))
    (row,) = [shown for shown in text.getvalue().splitlines() if "an-arm" in shown]
    assert row.split() == " ".join(line).split()
    assert "…" not in text.getvalue()


def test_a_narrow_table_takes_no_more_than_it_needs():
    text = io.StringIO()
    print_compared([["arm", "n"], ["a", "10"]], Console(file=text))
    assert text.getvalue().splitlines() == ["arm   n", "a    10"]
