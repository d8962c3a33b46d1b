"""Train a tiny model for a few steps, and see its losses and gradient norms."""

from __future__ import annotations

from typing import Any

import transformers
from transformers import PrinterCallback, TrainingArguments

from hf_efficient.training.trainer import EfficientTrainer
from tests.tiny import Case, Seq2SeqCase, TokenCase

Steps = list[tuple[float, float]]


def arguments(output_dir: str, **settings: Any) -> TrainingArguments:
    """Quiet arguments on the CPU that log every step."""
    quiet = {
        "logging_steps": 1,
        "disable_tqdm": True,
        "log_level": "error",
        "use_cpu": True,
        "save_strategy": "no",
        "max_grad_norm": 1e9,
        "learning_rate": 1e-3,
    }
    return TrainingArguments(output_dir, **{**quiet, **settings})


def train(
    trainer_class: str,
    case: Case | TokenCase | Seq2SeqCase,
    num_rows: int,
    output_dir: str,
    settings: dict[str, Any],
    model: Any = None,
    **doors: Any,
) -> tuple[Steps, int]:
    """Loss and gradient norm of each step, and the world size that the Trainer saw."""
    cls = EfficientTrainer if trainer_class == "efficient" else transformers.Trainer
    trainer = cls(
        model=model or case.make_model(),
        args=arguments(output_dir, **settings),
        data_collator=case.collator,
        train_dataset=case.rows(num_rows),
        **doors,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    logs = [log for log in trainer.state.log_history if "loss" in log]
    return [(log["loss"], log["grad_norm"]) for log in logs], trainer.args.world_size
