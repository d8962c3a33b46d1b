from __future__ import annotations

import errno
import json

import pytest
import torch
from safetensors.torch import save_file

from hf_efficient.errors import RunDirectoryError
from hf_efficient.training.checkpoint import checkpoints, missing_from, newest_complete, writing_checkpoint


def make_checkpoint(directory, step):
    """A checkpoint with every file that the Trainer writes."""
    path = directory / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"w": torch.zeros(64)}, path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"state": torch.zeros(64)}, path / name)
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_whole_checkpoint_lacks_nothing(tmp_path):
    assert missing_from(make_checkpoint(tmp_path, 1)) is None


def test_a_whole_checkpoint_of_accelerates_fsdp_lacks_nothing(tmp_path):
    checkpoint = make_checkpoint(tmp_path, 1)
    (checkpoint / "optimizer.pt").rename(checkpoint / "optimizer.bin")
    assert missing_from(checkpoint) is None


def test_deepspeed_keeps_its_optimizer_in_the_folder_that_latest_names(tmp_path):
    checkpoint = make_checkpoint(tmp_path, 1)
    folder = checkpoint / "global_step1"
    folder.mkdir()
    (checkpoint / "latest").write_text("global_step1\n")
    (checkpoint / "optimizer.pt").rename(folder / "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt")
    assert missing_from(checkpoint) is None
    cut(folder / "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt")
    assert missing_from(checkpoint) == "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt is cut off"


FILES = ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name, tmp_path):
    checkpoint = make_checkpoint(tmp_path, 1)
    (checkpoint / name).unlink()
    assert missing_from(checkpoint) == f"{name} is missing"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_named(name, tmp_path):
    checkpoint = make_checkpoint(tmp_path, 1)
    cut(checkpoint / name)
    assert missing_from(checkpoint) in (f"{name} is cut off", f"{name} is missing or cut off")


def test_a_missing_shard_is_named(tmp_path):
    checkpoint = make_checkpoint(tmp_path, 1)
    (checkpoint / "model.safetensors").rename(checkpoint / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    assert missing_from(checkpoint) == "model-2.safetensors is missing or cut off"


def test_checkpoints_are_ordered_by_step_and_not_by_name(tmp_path):
    for step in (9, 100, 20):
        make_checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-tmp").mkdir()
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-100", "checkpoint-20", "checkpoint-9"]


def test_the_newest_whole_one_is_found_behind_damaged_ones(tmp_path):
    for step in (1, 2, 3):
        make_checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-3" / "trainer_state.json").unlink()
    cut(tmp_path / "checkpoint-2" / "optimizer.pt")
    path, damaged = newest_complete(tmp_path)
    assert path == tmp_path / "checkpoint-1"
    assert [(p.name, lack) for p, lack in damaged] == [
        ("checkpoint-3", "trainer_state.json is missing"),
        ("checkpoint-2", "optimizer.pt is cut off"),
    ]


def fail(directory, error):
    """A checkpoint of step 2 that breaks off after its directory was made."""
    with writing_checkpoint(str(directory), 2):
        (directory / "checkpoint-2").mkdir()
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/0: file write failed"),
    ],
)
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(error, tmp_path):
    make_checkpoint(tmp_path, 1)
    with pytest.raises(RunDirectoryError, match="checkpoint-2: the checkpoint could not be written"):
        fail(tmp_path, error)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-1"]


def test_other_errors_pass_unchanged_and_leave_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="a bug"):
        fail(tmp_path, RuntimeError("a bug"))
    assert checkpoints(tmp_path) == []
