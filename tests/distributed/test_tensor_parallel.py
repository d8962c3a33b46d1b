"""A model whose matrices are cut over two processes trains as the whole one does; the CPUs stand in for GPUs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PrinterCallback
from transformers.distributed import DistributedConfig

from hf_efficient.data.batches import Batches
from hf_efficient.models.distributed import data_parallel_size
from hf_efficient.training.launch import Launch
from hf_efficient.training.trainer import EfficientTrainer
from tests.distributed.pretend import pretend_gpu
from tests.distributed.test_pipeline import language_model, steps
from tests.processes import run_processes
from tests.trajectory import arguments


def run(folder, output_dir, tp_size, grouped):
    """Losses and gradient norms, the share of the weights that this process holds, and the launch."""
    if tp_size > 1:
        pretend_gpu()
    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 3}
    args = arguments(output_dir, **settings, use_cpu=tp_size == 1, dataloader_pin_memory=False)
    config = DistributedConfig(tp_size=tp_size) if tp_size > 1 else None
    model = LlamaForCausalLM.from_pretrained(folder, distributed_config=config)
    rows = [{"input_ids": row, "labels": row} for step in steps() for row in step]
    batches = Batches(np.array([len(row["input_ids"]) for row in rows])) if grouped else None
    trainer = EfficientTrainer(model, args, train_dataset=rows, batches=batches)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    held = sum((p.to_local() if tp_size > 1 and hasattr(p, "to_local") else p).numel() for p in model.parameters())
    logs = [(log["loss"], log["grad_norm"]) for log in trainer.state.log_history if "loss" in log]
    share = held / sum(p.numel() for p in model.parameters())
    return logs, share, Launch.current(args, model), data_parallel_size(args, model)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_same_rows_on_both_give_the_losses_of_one_process(grouped, tmp_path):
    language_model().save_pretrained(tmp_path)
    [(expected, whole, _, _)] = run_processes(1, run, str(tmp_path), str(tmp_path / "one"), 1, grouped)
    assert whole == 1.0
    for steps_of_this, share, launch, ranks in run_processes(2, run, str(tmp_path), str(tmp_path / "two"), 2, grouped):
        assert len(steps_of_this) == 3
        for step, other in zip(steps_of_this, expected, strict=True):
            assert step == pytest.approx(other, rel=1e-5)
        assert share == pytest.approx(0.5, abs=0.01)
        assert launch == Launch(2, 1, "cpu", "gloo", "tensor parallelism over 2")
        assert ranks == 1
    assert not torch.distributed.is_initialized()
