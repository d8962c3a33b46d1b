"""Every launch configuration is one that accelerate's own parser reads, and says what its file name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

ROOT = Path(__file__).parents[2]
FILES = {
    "accelerate_config.yaml": ("NO", 1, False, "no"),
    "configs/accelerate/cpu_2_processes.yaml": ("MULTI_GPU", 2, True, "no"),
    "configs/accelerate/multi_gpu_bf16.yaml": ("MULTI_GPU", 8, False, "bf16"),
    "configs/accelerate/multi_node_bf16.yaml": ("MULTI_GPU", 16, False, "bf16"),
}


def test_every_file_is_in_the_table():
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "configs" / "accelerate").glob("*")} == {
        name for name in FILES if name.startswith("configs/")
    }


@pytest.mark.parametrize("name", FILES)
def test_accelerate_reads_it(name):
    config = load_config_from_file(str(ROOT / name))
    kind, processes, use_cpu, mixed_precision = FILES[name]
    assert config.distributed_type == kind
    assert config.num_processes == processes
    assert bool(config.use_cpu) is use_cpu
    assert config.mixed_precision == mixed_precision
