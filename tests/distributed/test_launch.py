"""The launchers as a user has them: real commands, real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

LAUNCHERS = {
    "accelerate, one process": (1, [BIN / "accelerate", "launch", "--config_file", "accelerate_config.yaml"]),
    "accelerate, two processes": (
        2,
        [BIN / "accelerate", "launch", "--config_file", "configs/accelerate/cpu_2_processes.yaml"],
    ),
    "torchrun": (2, [BIN / "torchrun", "--nproc_per_node", "2"]),
}


STEADY = ["training.num_train_epochs=2", "model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}"]
"""Without dropout, which draws other numbers on each process."""


def launch(command: list, output_dir: Path, *settings: str) -> subprocess.CompletedProcess:
    """Run the smoke recipe under a launcher."""
    words = [*command, "scripts/finetune.py", "smoke", f"training.output_dir={output_dir}", *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_EFFICIENT_HOME": str(output_dir.parent / "cache")}
    return subprocess.run(
        [str(w) for w in words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )


def report(output_dir: Path) -> dict:
    return json.loads((output_dir / "report.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same global batch of 8 under each launcher."""
    found = {}
    for name, (world_size, command) in LAUNCHERS.items():
        output_dir = tmp_path_factory.mktemp("runs") / "run"
        batch = f"training.per_device_train_batch_size={8 // world_size}"
        done = launch(command, output_dir, batch, *STEADY)
        assert done.returncode == 0, done.stderr
        found[name] = (output_dir, done)
    return found


@pytest.mark.parametrize("name", LAUNCHERS)
def test_it_starts_as_many_processes_as_it_says(name, runs):
    assert report(runs[name][0])["launch"]["world_size"] == LAUNCHERS[name][0]


@pytest.mark.parametrize("name", LAUNCHERS)
def test_it_prints_one_table_and_no_library_walls(name, runs):
    done = runs[name][1]
    assert done.stdout.count("Accuracy") == 1
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.strip()]
    noise = [line for line in lines if not line.startswith(("training:", "epoch "))]
    assert len(noise) <= 12, noise


def test_the_same_global_batch_gives_the_same_model(runs):
    weights = [load_file(runs[name][0] / "model" / "model.safetensors") for name in LAUNCHERS]
    for other in weights[1:]:
        for tensor, values in weights[0].items():
            np.testing.assert_allclose(other[tensor], values, rtol=1e-3, atol=1e-5, err_msg=tensor)


def test_a_finished_run_prints_its_table_again_on_two_processes(runs):
    output_dir, _ = runs["torchrun"]
    before = (output_dir / "model" / "model.safetensors").stat().st_mtime_ns
    command = LAUNCHERS["torchrun"][1]
    done = launch(command, output_dir, "training.per_device_train_batch_size=4", *STEADY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Accuracy") == 1
    assert (output_dir / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_an_error_is_printed_once_and_hangs_no_process(runs):
    output_dir, _ = runs["torchrun"]
    done = launch(LAUNCHERS["torchrun"][1], output_dir, "training.learning_rate=1e-2")
    assert done.returncode != 0
    assert done.stderr.count("holds a run of another recipe") == 1


def test_processes_that_accelerate_would_not_start_are_refused(tmp_path):
    words = [BIN / "accelerate", "launch", "--cpu", "--num_processes", "2"]
    done = launch([*words, "--num_machines", "1"], tmp_path / "run")
    assert done.returncode != 0
    [error] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "asked for several processes and has started one" in error
    assert "torchrun --nproc_per_node N" in error
    assert not (tmp_path / "run").exists()
