"""Words are quick: no command that only reads them imports what takes seconds."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "datasets", "accelerate", "numpy", "evaluate", "sklearn"}
PROBE = """
import sys
from hf_efficient.cli.app import run
status = run(sys.argv[1:])
print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(status)
"""


def child_seconds(arguments):
    """CPU seconds and result of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), result


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["validate", "quickstart"], 0),
        (["validate", "quickstart", "training.learning_rat=1"], 2),
        (["validate", "quickstart", "training.seed=x"], 2),
        (["validate", "nowhere.yaml"], 2),
    ],
)
def test_words_take_less_than_half_a_second(arguments, status):
    # The least of three: the first run may compile the modules.
    timings = [child_seconds(["-m", "hf_efficient", *arguments]) for _ in range(3)]
    assert {result.returncode for _, result in timings} == {status}
    assert all("Traceback" not in result.stderr for _, result in timings)
    assert min(seconds for seconds, _ in timings) < 0.5


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "quickstart"], ["validate", "x"], ["schema"]])
def test_words_import_nothing_heavy(arguments):
    _, result = child_seconds(["-c", PROBE, *arguments])
    loaded = result.stdout.splitlines()[-1].split()
    assert "hf_efficient" in loaded
    assert HEAVY.isdisjoint(loaded)
