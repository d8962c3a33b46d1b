"""A recipe with a `hub:` section: the push comes last, and a push that fails loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hub_server import TOKEN, HubServer


def finetune(tmp_path: Path, endpoint: str) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(tmp_path / "home"),
        "HF_EFFICIENT_HOME": str(tmp_path / "cache"),
    }
    words = ["finetune", "smoke", "training.num_train_epochs=1", "hub.repo_id=user/name"]
    words.append(f"training.output_dir={tmp_path / 'run'}")
    command = [sys.executable, "-m", "hf_efficient", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_the_finished_run_is_pushed(tmp_path):
    with HubServer() as server:
        done = finetune(tmp_path, server.endpoint)
        assert done.returncode == 0, done.stderr
        assert f"Pushed to {server.endpoint}/user/name" in done.stdout
        assert "user/name" in server.repositories


def test_a_push_that_fails_is_a_warning_with_the_command_to_retry(tmp_path):
    with HubServer() as server:
        endpoint = server.endpoint
    done = finetune(tmp_path, endpoint)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    assert f"then try again: hf-efficient push {run} --repo-id user/name" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Accuracy" in done.stdout
    assert (run / "report.json").is_file()
    assert (run / "model" / "model.safetensors").is_file()
