"""What a key that is no setting was probably meant to be."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from hf_efficient.errors import nearest
from hf_efficient.recipe.training_names import OWNED, REMOVED
from hf_efficient.recipe.tree import KeyPath, dotted

ALIASES: Final[dict[str, str]] = {
    "accumulation_steps": "training.gradient_accumulation_steps",
    "batch_size": "training.per_device_train_batch_size",
    "checkpoint": "training.resume_from_checkpoint",
    "dataset": "data.name",
    "dataset_config_name": "data.config",
    "dataset_name": "data.name",
    "early_stopping_patience": "early_stopping.patience_evaluations",
    "early_stopping_threshold": "early_stopping.threshold",
    "epochs": "training.num_train_epochs",
    "eval_batch_size": "training.per_device_eval_batch_size",
    "eval_file": "data.validation",
    "grad_accumulation": "training.gradient_accumulation_steps",
    "label_column": "data.columns.label",
    "label_column_name": "data.columns.label",
    "label_smoothing": "training.label_smoothing_factor",
    "lr": "training.learning_rate",
    "lr_scheduler": "training.lr_scheduler_type",
    "max_samples": "data.limit",
    "max_seq_length": "data.max_length",
    "max_train_samples": "data.limit",
    "mixed_precision": "training.precision",
    "model_id": "model.name",
    "model_name": "model.name",
    "model_name_or_path": "model.name",
    "num_epochs": "training.num_train_epochs",
    "num_labels": "task.labels",
    "num_workers": "training.dataloader_num_workers",
    "optimizer": "training.optim",
    "patience": "early_stopping.patience_evaluations",
    "problem_type": "task.problem",
    "pretrained_model_name_or_path": "model.name",
    "scheduler": "training.lr_scheduler_type",
    "sentence1_key": "data.columns.text",
    "sentence2_key": "data.columns.text_pair",
    "test_file": "data.test",
    "text_column": "data.columns.text",
    "text_column_name": "data.columns.text",
    "tokenizer_name": "model.tokenizer",
    "train_batch_size": "training.per_device_train_batch_size",
    "train_file": "data.train",
    "validation_file": "data.validation",
    "validation_split": "data.validation",
    "warmup": "training.warmup_steps",
}
"""Names that people bring from elsewhere → the setting that does it here."""

_FEW: Final = 15


def unknown(path: KeyPath, known: Collection[KeyPath]) -> str:
    """Why `path` can't be set, and what to write instead, given the paths that can."""
    key = path[-1]
    if path[:-1] in ((), ("training",)):
        if key in OWNED:
            return f"belongs to {OWNED[key]}."
        if key in REMOVED and key not in ALIASES:
            return f"is no argument of transformers any more: {REMOVED[key]}."
    meant = _meant(path, known)
    return f"is not a setting.{f' Did you mean {meant}?' if meant else _listing(path, known)}"


def _meant(path: KeyPath, known: Collection[KeyPath]) -> str | None:
    key = path[-1]
    if key in ALIASES:
        return ALIASES[key]
    namesakes = [other for other in known if other[-1] == key]
    if namesakes:
        depth = min(map(len, namesakes))  # those within techniques' sub-sections are meant least
        return " or ".join(dotted(other) for other in namesakes if len(other) == depth)
    siblings = {other[-1]: dotted(other) for other in known if other[:-1] == path[:-1]}
    anywhere = {other[-1]: dotted(other) for other in known} | ALIASES
    for candidates in (siblings, anywhere):
        match = nearest(key, candidates)
        if match:
            return candidates[match]
    return None


def _listing(path: KeyPath, known: Collection[KeyPath]) -> str:
    siblings = [other[-1] for other in known if other[:-1] == path[:-1]]
    section = dotted(path[:-1]) or "A recipe"
    return f" {section} takes {', '.join(siblings)}." if 0 < len(siblings) <= _FEW else ""
