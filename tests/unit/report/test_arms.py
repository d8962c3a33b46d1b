"""The table of an experiment."""

from __future__ import annotations

from hf_efficient.report.arms import arms_table


def row(arm, accuracy, seconds, *, adapter=None):
    return {
        "arm": arm,
        "metrics": {"validation": {"accuracy": accuracy, "loss": 0.5}},
        "model": {"trainable_parameters": 1000},
        "training": {"cpu_seconds": seconds},
        "peak_memory_bytes": 2_000_000_000,
        "stored_bytes": {"model": 4000, "adapter": adapter},
    }


def test_an_arm_is_the_mean_of_its_seeds_with_their_deviation():
    header, line = arms_table([row("a", 0.80, 10.0), row("a", 0.82, 20.0), row("a", 0.84, 60.0)])
    assert header == ["arm", "seeds", "Accuracy\nvalidation", "CPU time", "peak\nmemory", "trained", "stored"]
    assert line == ["a", "3", "0.8200 ± 0.0200", "30.0 s", "2 GB", "1,000", "4 kB"]


def test_one_seed_has_no_deviation():
    assert arms_table([row("a", 0.8, 1.0)])[1][2] == "0.8000"


def test_what_was_not_measured_is_said():
    assert arms_table([row("a", None, None)])[1][2:4] == ["not measured", "not measured"]


def test_with_an_adapter_it_alone_must_be_stored():
    assert arms_table([row("a", 0.8, 1.0, adapter=50)])[1][-1] == "50 B"
