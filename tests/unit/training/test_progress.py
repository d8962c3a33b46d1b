from __future__ import annotations

import json
from types import SimpleNamespace

from hf_efficient.training.progress import JsonLog, read_log


def log(callback: JsonLog, step: int, **logs: float) -> None:
    callback.on_log(None, SimpleNamespace(is_world_process_zero=True, global_step=step), None, logs=logs)


def test_a_number_that_is_none_is_null(tmp_path):
    callback = JsonLog(str(tmp_path / "log.jsonl"))
    log(callback, 1, loss=float("nan"), grad_norm=float("inf"), learning_rate=0.1)
    line = (tmp_path / "log.jsonl").read_text()
    assert json.loads(line) == {"step": 1, "loss": None, "grad_norm": None, "learning_rate": 0.1}
    assert "NaN" not in line


def test_a_resumed_run_drops_the_steps_that_it_does_again(tmp_path):
    callback = JsonLog(str(tmp_path / "log.jsonl"))
    for step in (1, 2, 3):
        log(callback, step, loss=1.0 / step)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    callback.on_train_begin(None, SimpleNamespace(is_world_process_zero=True, global_step=2), None)
    assert [record["step"] for record in read_log(tmp_path / "log.jsonl")] == [1, 2]


def test_other_processes_write_nothing(tmp_path):
    callback = JsonLog(str(tmp_path / "log.jsonl"))
    callback.on_log(None, SimpleNamespace(is_world_process_zero=False, global_step=1), None, logs={"loss": 1.0})
    assert not (tmp_path / "log.jsonl").exists()
