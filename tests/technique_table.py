"""Every technique and every way of training that composes with it: its smallest settings over `configs/smoke.yaml`.

From this one table come the tests that each trains, resumes bit for bit, composes with each other one or is refused
with a reason, and with its neutral setting gives the plain run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.runs import CLASSIFIER, MASKED_LM, SEQ2SEQ, TEACHER


@dataclass(frozen=True)
class Row:
    """Settings that switch something on, and those that switch it on without effect."""

    settings: dict[str, Any]
    neutral: dict[str, Any] | None = None
    refused_with: dict[str, str] = field(default_factory=dict)
    """Rows that can't be combined with this one, and what the error says of it."""
    same_slot: str | None = None
    """Rows with the same slot set the same section, and are not tried together."""
    beside: tuple[str, ...] | None = None
    """Rows that it is tried with; None for all."""


OF_ADAPTERS = {"bitfit": "trains the adapter and the head alone", "adamw_8bit": "only for weights of 4,096"}
"""What no adapter can be combined with."""

OF_EACH_SECTION = (
    *("early_stopping", "distill_projection", "curriculum", "prefix_cache", "adalora", "tokens", "fitted"),
    "class_weights",
)
"""A row of each section but `augment`: other techniques see the views, and not what has made them."""

TABLE: dict[str, Row] = {
    "plain": Row({}),
    "early_stopping": Row(
        {"early_stopping.patience_epochs": 1, "training.metric_for_best_model": "f1_macro"},
        neutral={"early_stopping.patience_epochs": 1000, "training.metric_for_best_model": "f1_macro"},
    ),
    "distill": Row(
        {"distill.teacher": TEACHER, "distill.temperature": 3.0},
        same_slot="distill",
        neutral={"distill.teacher": TEACHER, "distill.weight": 0.0},
    ),
    "distill_features": Row(
        {
            "distill.teacher": TEACHER,
            "distill.hidden": {"layers": [1, 0]},
            "distill.attention": {"weight": 0.1},
            "distill.relations": {"kind": "minilm"},
        },
        same_slot="distill",
    ),
    # Wide enough for 8-bit optimizers; and rows without labels.
    "distill_projection": Row(
        {
            "distill.teacher": TEACHER,
            "distill.hidden": {"layers": [0, 1]},
            "model.config.hidden_size": 64,
            "data.unlabelled": "demo/smoke",
        },
        same_slot="distill",
    ),
    "augment": Row(
        {"augment.random_swap.share": 0.3, "augment.random_delete.share": 0.2, "augment.keyboard.share": 0.2},
        same_slot="augment",
        neutral={"augment.random_swap.share": 0.3, "augment.control": True, "augment.originals": False},
    ),
    "consistency": Row(
        {"augment.random_swap.share": 0.3, "augment.consistency.confidence": 0.0, "data.unlabelled": "demo/smoke"},
        same_slot="augment",
        refused_with={"curriculum": "can't be told of the rows of data.unlabelled"},
    ),
    "augment_fixed": Row(
        {"augment.random_swap.share": 0.3, "augment.views": "fixed", "augment.below_class_size": 30},
        same_slot="augment",
        neutral={"augment.random_swap.share": 0.0, "augment.views": "fixed", "augment.originals": False},
    ),
    "keep_label": Row(
        {
            "augment.random_delete.share": 0.9,
            "augment.keep_label.teacher": CLASSIFIER,
            "augment.keep_label.confidence": 0.5,
        },
        same_slot="augment",
        beside=OF_EACH_SECTION,
        neutral={
            "augment.random_swap.share": 0.0,
            "augment.keep_label.teacher": CLASSIFIER,
            "augment.views": "fixed",
            "augment.originals": False,
        },
    ),
    "contextual": Row(
        {"augment.contextual.model": MASKED_LM, "augment.contextual.share": 0.3, "augment.originals": False},
        same_slot="augment",
        beside=OF_EACH_SECTION,
    ),
    "back_translation": Row(
        {
            "augment.back_translation.forward": SEQ2SEQ,
            "augment.back_translation.backward": SEQ2SEQ,
            "augment.back_translation.temperature": 1.0,
            "augment.views": "fixed",
            "augment.originals": False,
        },
        same_slot="augment",
        beside=OF_EACH_SECTION,
    ),
    "paraphrase": Row(
        {"augment.paraphrase.model": SEQ2SEQ, "augment.paraphrase.temperature": 1.0, "augment.originals": False},
        same_slot="augment",
        beside=OF_EACH_SECTION,
    ),
    # On half of the rows; its first epoch has no order.
    "curriculum": Row(
        {
            "prune.by": "rarity",
            "prune.keep": 0.5,
            "curriculum.by": "loss",
            "curriculum.end": 0.9,
            "curriculum.mix": 0.1,
            "training.num_train_epochs": 2,
        },
        neutral={"curriculum.by": "length", "curriculum.start": 1.0},
        refused_with={
            "tokens": "sorts all rows of an epoch by length",
            "distill_projection": "can't be told of the rows of data.unlabelled",
        },
    ),
    "frozen": Row({"freeze.layers": 1, "freeze.cache": False}, same_slot="freeze"),
    "prefix_cache": Row(
        {"freeze.layers": 1, "freeze.cache": True},
        same_slot="freeze",
        refused_with={"distill_features": "something else has hooks on the frozen layers"},
    ),
    "unfrozen": Row(
        {"freeze.layers": "all", "freeze.unfreeze": {"every_steps": 2}, "freeze.cache": False},
        same_slot="freeze",
        refused_with=dict.fromkeys(("lora", "adalora", "prompt_tuning"), "peft leaves the model's own weights"),
    ),
    "unfrozen_cached": Row(
        {"freeze.layers": 2, "freeze.unfreeze": {"every_steps": 2}, "freeze.cache": True},
        same_slot="freeze",
        refused_with={
            **dict.fromkeys(("lora", "adalora", "prompt_tuning"), "peft leaves the model's own weights"),
            **dict.fromkeys(
                ("distill_features", "distill_projection"), "something else has hooks on the frozen layers"
            ),
        },
    ),
    "bitfit": Row({"freeze.train_only": ["bias", "head"]}, refused_with={"adamw_8bit": "only for weights of 4,096"}),
    "lora": Row(
        {"peft.method": "lora", "peft.lora_dropout": 0.1},
        same_slot="peft",
        refused_with={**OF_ADAPTERS, "distill_projection": "which neither adapters nor"},
    ),
    "adalora": Row(
        {"peft.method": "adalora", "peft.init_r": 4, "peft.target_r": 1, "peft.deltaT": 2, "peft.tfinal": 1},
        same_slot="peft",
        refused_with={**OF_ADAPTERS, "distill_projection": "which neither adapters nor"},
    ),
    "prompt_tuning": Row(
        {"peft.method": "prompt_tuning", "peft.num_virtual_tokens": 4},
        same_slot="peft",
        refused_with={
            **OF_ADAPTERS,
            **dict.fromkeys(("distill_features", "distill_projection"), "virtual tokens of peft.method stand among"),
            "layerwise": "virtual tokens belong to no layer",
            "prefix_cache": "the embeddings and the lowest layer are not frozen as a whole",
        },
    ),
    "bucketed": Row({"batching.padding": "bucketed"}, same_slot="batching", neutral={"batching.padding": "auto"}),
    "tokens": Row({"batching.padding": "tokens", "batching.max_tokens": 96}, same_slot="batching"),
    "accumulation": Row({"training.gradient_accumulation_steps": 2}),
    "fitted": Row(
        {"training.per_device_train_batch_size": "auto", "training.effective_batch_size": 8},
        neutral={"training.per_device_train_batch_size": "auto", "training.effective_batch_size": 8},
        refused_with={
            "accumulation": "decides how many micro-batches make a step",
            "tokens": "decides how many rows make a",
        },
    ),
    "bf16": Row({"training.precision": "bf16", "training.allow_slow": True}, neutral={"training.precision": "fp32"}),
    "label_smoothing": Row({"training.label_smoothing_factor": 0.1}, neutral={"training.label_smoothing_factor": 0.0}),
    "class_weights": Row(
        {"task.class_weights": {"cooking": 3.0}}, neutral={"task.class_weights": {"cooking": 2.0, "sailing": 2.0}}
    ),
    "step_decay": Row({"training.lr_scheduler_type": "step"}, same_slot="schedule"),
    "layerwise": Row(
        {"training.layerwise_lr_decay": 0.5, "training.head_learning_rate": 3e-3},
        neutral={"training.layerwise_lr_decay": 1.0},
    ),
    "one_cycle": Row({"training.lr_scheduler_type": "one_cycle"}, same_slot="schedule"),
    "activation_checkpointing": Row(
        {"training.activation_checkpointing": True}, neutral={"training.activation_checkpointing": True}
    ),
    # Only weights of 4,096 numbers or more have 8 bits; those of the smoke recipe's model have half of that.
    "adamw_8bit": Row({"training.optim": "adamw_8bit", "model.config.intermediate_size": 128}),
    "best_model": Row({"training.load_best_model_at_end": True, "training.metric_for_best_model": "f1_macro"}),
}
