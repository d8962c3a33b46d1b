"""Two hosts, one process on each, through the real launchers: the same run as two processes on one host."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hf_efficient.training.finetune import finetune
from tests.distributed.hosts import INTERFACE, run_on, two_hosts, why_not
from tests.processes import run_processes

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SETTINGS = {
    "training.num_train_epochs": 2,
    "training.per_device_train_batch_size": 4,
    "training.save_strategy": "no",
    "model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}


def accelerate_static(rank, address):
    """The shipped file, for two machines of one CPU process instead of eight GPUs."""
    file = ROOT / "configs" / "accelerate" / "multi_node_bf16_static.yaml"
    flags = {"--machine_rank": rank, "--main_process_ip": address, "--num_processes": 2, "--mixed_precision": "no"}
    return [BIN / "accelerate", "launch", "--config_file", file, *(word for flag in flags.items() for word in flag)]


def torchrun_c10d(rank, address):
    """Each host says its address, and whether it keeps the meeting point: here no host name leads to either."""
    meeting = {"--rdzv_backend": "c10d", "--rdzv_endpoint": f"{address}:29500", "--rdzv_conf": f"is_host={rank == 0}"}
    host = {"--local_addr": f"10.99.0.{rank + 1}", "--nnodes": 2, "--nproc_per_node": 1}
    return [BIN / "torchrun", *(word for flag in {**meeting, **host}.items() for word in flag)]


@pytest.fixture(scope="module")
def hosts():
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with two_hosts() as pair:
        yield pair


def one_host(output_dir):
    return finetune("smoke", {**SETTINGS, "training.output_dir": output_dir}).report


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The report of two processes on one host."""
    return run_processes(2, one_host, str(tmp_path_factory.mktemp("one") / "run"))[0]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [accelerate_static, torchrun_c10d])
def test_two_hosts_train_as_one(launcher, hosts, expected, tmp_path):
    environ = {
        "GLOO_SOCKET_IFNAME": INTERFACE,  # else gloo offers 127.0.0.1, at which the other host finds itself
        "HF_EFFICIENT_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    settings = [f"{path}={json.dumps(value)}" for path, value in SETTINGS.items()]
    script = [ROOT / "scripts" / "finetune.py", "smoke", f"training.output_dir={tmp_path / 'run'}", *settings]
    commands = [[str(word) for word in (*launcher(rank, hosts[0].address), *script)] for rank in (0, 1)]
    results = run_on(hosts, commands, environ, tmp_path, timeout=120)
    assert [status for status, _ in results] == [0, 0], "\n".join(said for _, said in results)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    launch = {"world_size": 2, "machines": 2, "device": "cpu", "backend": "gloo", "sharding": None}
    assert report["launch"] == launch
    assert expected["launch"] == {**launch, "machines": 1}
    for part, name in (("training", "train_loss"), ("training", "steps"), ("metrics", "validation")):
        assert report[part][name] == pytest.approx(expected[part][name], rel=1e-6)
    assert sum("Everything lies in" in said for _, said in results) == 1
