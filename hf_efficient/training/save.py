"""The trained model on disk, where plain transformers loads it: whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hf_efficient.models.adapters import can_merge, is_adapted, load_adapted, merged, save_adapter, unloaded

if TYPE_CHECKING:
    from hf_efficient.training.run_directory import RunDirectory
    from hf_efficient.training.trainer import EfficientTrainer


def save_model(trainer: EfficientTrainer, directory: RunDirectory) -> Any:
    """Write the model and its tokenizer where plain transformers loads them, and give it back; adapters are merged."""
    model: Any = trainer.model
    if not is_adapted(model):
        _write_whole(trainer, directory.model, trainer.save_model)
        return model
    if trainer.args.should_save:
        _write_whole(trainer, directory.adapter, partial(save_adapter, model))
    if can_merge(model):
        plain = merged(model)
        _write_whole(trainer, directory.model, partial(_save_plain, trainer, plain))
        return plain
    with TemporaryDirectory() as own:  # machines that share no disk don't see the run's adapter/
        save_adapter(model, own)
        plain = unloaded(model)
        _write_whole(trainer, directory.base, partial(_save_plain, trainer, plain))
        return load_adapted(plain, own)


def _save_plain(trainer: EfficientTrainer, model: Any, path: str) -> None:
    if trainer.args.should_save:
        model.save_pretrained(path)
        trainer.processing_class.save_pretrained(path)  # type: ignore[union-attr]


def _write_whole(trainer: EfficientTrainer, path: Path, write: Callable[[str], Any]) -> None:
    """Have a folder written by the process that saves; whole or not at all."""
    unfinished = path.with_name(f".{path.name}.partial")
    if trainer.args.should_save:
        shutil.rmtree(unfinished, ignore_errors=True)  # what a save that failed has left
    write(str(unfinished))
    if not trainer.args.should_save:
        return
    (unfinished / "training_args.bin").unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
    unfinished.replace(path)
