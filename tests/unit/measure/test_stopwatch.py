from __future__ import annotations

import time

import pytest

from hf_efficient.measure import Stopwatch

HOOKS = {name: getattr(Stopwatch, name) for name in ("on_train_begin", "on_epoch_begin", "on_step_end", "on_evaluate")}


@pytest.fixture
def tick(monkeypatch):
    """Calls a hook of the watch some seconds later."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] / 2)

    def call(watch: Stopwatch, hook: str, seconds: float) -> None:
        now[0] += seconds
        HOOKS[hook](watch, None, None, None)

    return call


def test_steps_are_counted_and_evaluations_are_not(tick):
    watch = Stopwatch()
    tick(watch, "on_train_begin", 7.0)
    tick(watch, "on_epoch_begin", 0.0)
    tick(watch, "on_step_end", 2.0)
    tick(watch, "on_evaluate", 50.0)
    tick(watch, "on_step_end", 3.0)
    tick(watch, "on_epoch_begin", 20.0)
    tick(watch, "on_step_end", 1.0)
    assert (watch.steps, watch.seconds, watch.cpu_seconds) == (3, 6.0, 3.0)


def test_what_is_prepared_before_the_first_step_counts(tick):
    watch = Stopwatch()
    tick(watch, "on_train_begin", 7.0)
    tick(watch, "on_epoch_begin", 30.0)
    tick(watch, "on_step_end", 2.0)
    assert (watch.steps, watch.seconds) == (1, 32.0)
