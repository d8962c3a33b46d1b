"""accelerate's own FSDP2 on two CPU processes, by telling accelerate that each CPU is a GPU: everything but the GPU."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from hf_efficient.training.finetune import finetune
from tests.distributed.pretend import pretend_gpu
from tests.processes import run_processes
from tests.runs import CutOffError, smoke, train

CONFIG = Path(__file__).parents[2] / "configs" / "accelerate" / "multi_gpu_fsdp2_bf16.yaml"
STEADY = {"model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}


def pretend():
    """Make this process one of a launch of the shipped file, in fp32, on GPUs that are this CPU and talk over gloo."""
    shipped = load_config_from_file(str(CONFIG)).fsdp_config
    os.environ.update({name.upper(): str(value).lower() for name, value in shipped.items() if name != "fsdp_version"})
    os.environ.update(
        ACCELERATE_USE_FSDP="true",
        FSDP_VERSION=str(shipped["fsdp_version"]),
        FSDP_AUTO_WRAP_POLICY=shipped["fsdp_auto_wrap_policy"],
        FSDP_STATE_DICT_TYPE=shipped["fsdp_state_dict_type"],
        FSDP_TRANSFORMER_CLS_TO_WRAP="BertLayer",
    )
    pretend_gpu()

    import hf_efficient.training.arguments as arguments
    from hf_efficient.training.precision import Device

    arguments.this_device = lambda use_cpu=False: Device("cuda", "fast", tf32=False)


def run(output_dir, batch, interrupt_at=None):
    """The report, losses and gradient norms of a run; with `interrupt_at`, of one that was cut off and gone on with."""
    if batch == 4:
        pretend()
    settings = {**STEADY, "training.per_device_train_batch_size": batch, "training.dataloader_pin_memory": False}
    recipe = smoke(output_dir, settings)
    if interrupt_at is not None:
        with pytest.raises(CutOffError):
            train(recipe, interrupt_at)
    outcome = finetune(recipe)
    logs = [json.loads(line) for line in (Path(output_dir) / "log.jsonl").read_text().splitlines()]
    return dict(outcome.report), [(log["loss"], log["grad_norm"]) for log in logs if "loss" in log]


@pytest.mark.parametrize("interrupt_at", [None, 8])
def test_it_trains_as_one_process_does_also_when_it_is_gone_on_with(interrupt_at, tmp_path):
    expected, steps = run(str(tmp_path / "one"), 8)
    report, found = run_processes(2, run, str(tmp_path / "two"), 4, interrupt_at)[0]
    assert report["launch"]["sharding"] == "FSDP2 over 2"
    assert report["model"] == expected["model"]
    assert report["training"]["resumed_from_step"] == (None if interrupt_at is None else 6)
    for step, other in zip(found[-12:], steps[-12:], strict=True):
        assert step == pytest.approx(other, rel=1e-5)
    assert report["metrics"]["validation"] == pytest.approx(expected["metrics"]["validation"], rel=1e-5)
