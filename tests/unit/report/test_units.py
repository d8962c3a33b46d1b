from __future__ import annotations

import pytest

from hf_efficient.report.units import count, decimal, duration, metric_label, score, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "not measured"),
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (100 * 3600 + 7 * 60, "100 h 07 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [
        (None, "not measured"),
        (0, "0 B"),
        (812_000_000, "812 MB"),
        (1_234_000_000, "1.23 GB"),
        (999_700_000, "1,000 MB"),
        (80e9, "80 GB"),
        (1_500_000_000_000, "1,500 GB"),
    ],
)
def test_size(num_bytes, text):
    assert size(num_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "not measured"),
        (0, "0.0000"),
        (0.86, "0.8600"),
        (-0.5, "-0.5000"),
        (0.000012, "1.2e-05"),
        (41.237, "41.24"),
        (1168.51, "1,169"),
        (-12_345_678.0, "-1.23e+07"),
    ],
)
def test_decimal(number, text):
    assert decimal(number) == text


def test_a_metric_without_a_value_is_undefined_and_not_zero():
    assert score(None) == "undefined"
    assert score(0.0) == "0.0000"


def test_count_groups_the_thousands():
    assert count(22_713_986) == "22,713,986"
    assert count(None) == "not measured"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("accuracy", "Accuracy"),
        ("f1_macro", "Macro F1"),
        ("precision_micro", "Micro precision"),
        ("mse", "MSE"),
        ("pearsonr", "Pearson's r"),
        ("f1", "F1"),
        ("matthews_correlation", "Matthews correlation"),
        ("rouge_l", "ROUGE L"),
        ("chrf", "chrF"),
    ],
)
def test_metric_label(name, label):
    assert metric_label(name) == label
