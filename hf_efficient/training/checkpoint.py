"""Checkpoints: which one is whole, and none left half-written."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel
from transformers.trainer import OPTIMIZER_NAME, OPTIMIZER_NAME_BIN, SCHEDULER_NAME, TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME

from hf_efficient.errors import RunDirectoryError
from hf_efficient.models.adapter_state import save_checkpoint
from hf_efficient.models.adapters import is_adapted

_NAME = re.compile(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)")
_ADAPTER_WEIGHTS_NAME = "adapter_model.safetensors"
_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO, errno.ENOTDIR)
# torch's stream of a zip file fails with whatever of the last three it meets first.
_NO_SPACE = re.compile(r"No space left|Disk quota|file write failed|unexpected pos|iostream error", re.IGNORECASE)


def checkpoints(directory: Path) -> list[Path]:
    """Checkpoints in a directory, the newest (most steps) first."""
    found = [(int(match[1]), path) for path in directory.glob("*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def newest_complete(directory: Path) -> tuple[Path | None, list[tuple[Path, str]]]:
    """The newest checkpoint that is whole, and the newer ones that are not with what each lacks."""
    damaged: list[tuple[Path, str]] = []
    for path in checkpoints(directory):
        lack = missing_from(path)
        if lack is None:
            return path, damaged
        damaged.append((path, lack))
    return None, damaged


def missing_from(checkpoint: Path) -> str | None:
    """What keeps a checkpoint from being resumed exactly, in words; None if it is whole.

    The stock Trainer silently starts a fresh optimizer where `optimizer.pt` is missing (transformers 5.23).
    """
    if not checkpoint.is_dir():
        return "it is no directory"
    if (lack := _lack_of_weights(checkpoint)) is not None:
        return lack
    parts = {
        OPTIMIZER_NAME: _optimizer_files(checkpoint),
        SCHEDULER_NAME: list(checkpoint.glob(SCHEDULER_NAME)),
        "rng_state.pth": list(checkpoint.glob("rng_state*.pth")),
    }
    for name, files in parts.items():
        if not files:
            return f"{name} is missing"
    for archive in chain.from_iterable(parts.values()):
        if not zipfile.is_zipfile(archive):  # the directory of a zip stands at its end
            return f"{archive.name} is cut off"
    return _lack_of_state(checkpoint / TRAINER_STATE_NAME)


def _optimizer_files(checkpoint: Path) -> list[Path]:
    """The optimizer: one file of the Trainer or of accelerate's FSDP, or one a process in DeepSpeed's folder."""
    whole = [checkpoint / name for name in (OPTIMIZER_NAME, OPTIMIZER_NAME_BIN) if (checkpoint / name).is_file()]
    latest = checkpoint / "latest"
    folder = checkpoint / latest.read_text().strip() if latest.is_file() else None
    return whole if folder is None else sorted(folder.glob("*optim_states.pt"))


def _lack_of_weights(checkpoint: Path) -> str | None:
    index = checkpoint / SAFE_WEIGHTS_INDEX_NAME
    if index.is_file():
        shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    else:
        shards = [name for name in (SAFE_WEIGHTS_NAME, _ADAPTER_WEIGHTS_NAME) if (checkpoint / name).is_file()]
    if not shards:
        return f"{SAFE_WEIGHTS_NAME} is missing"
    for shard in shards:
        try:
            with safe_open(checkpoint / shard, framework="pt"):
                pass
        except (OSError, SafetensorError):
            return f"{shard} is missing or cut off"
    return None


def _lack_of_state(path: Path) -> str | None:
    try:
        json.loads(path.read_text())
    except FileNotFoundError:
        return f"{path.name} is missing"
    except json.JSONDecodeError:
        return f"{path.name} is cut off"
    return None


@contextmanager
def writing_checkpoint(directory: str, step: int) -> Iterator[None]:
    """Removes what was written of a checkpoint if writing it fails, so that no later run trips over it.

    Raises:
        RunDirectoryError: the disk is full or the directory can't be written.
    """
    checkpoint = Path(directory) / f"{PREFIX_CHECKPOINT_DIR}-{step}"
    try:
        yield
    except Exception as error:  # torch, safetensors and tokenizers each have their own for a full disk
        shutil.rmtree(checkpoint, ignore_errors=True)
        if (reason := disk_error(error)) is None:
            raise
        raise RunDirectoryError(
            f"{checkpoint}: the checkpoint could not be written ({reason}); "
            "earlier checkpoints are whole: free space and start the same command again."
        ) from error


def disk_error(error: BaseException) -> str | None:
    """Why a file could not be written, if that is what the error means, else None."""
    if isinstance(error, OSError) and error.errno in _OF_DISKS:
        return os.strerror(error.errno)
    return "no space left, or the disk fails" if _NO_SPACE.search(str(error)) else None


def _adapter_saver(model: Any) -> Callable[..., None]:
    def save(folder: str, **_: Any) -> None:
        save_checkpoint(model, folder)

    return save


@contextmanager
def keeping_names(model: Any) -> Iterator[None]:
    """Save weights under the names that the model has in memory, and an adapter so that training can go on with it.

    transformers 5.23 gives those of ViT, DeiT and others older names when it saves, and its Trainer does not give them
    back when it resumes or takes the best checkpoint: such weights would silently stay as they are.
    """
    if is_adapted(model):
        model.save_pretrained = _adapter_saver(model)
    elif isinstance(model, PreTrainedModel):
        model.save_pretrained = partial(  # type: ignore[method-assign]
            model.save_pretrained, save_original_format=False
        )
    else:
        yield
        return
    try:
        yield
    finally:
        del model.save_pretrained
