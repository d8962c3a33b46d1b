"""The number format of a run's forward passes, for models that the Trainer does not wrap."""

from __future__ import annotations

from typing import Any

import torch


def autocast_dtype(args: Any) -> torch.dtype | None:
    """What `TrainingArguments` have matrices multiplied in; None for the format of the weights."""
    return torch.bfloat16 if args.bf16 else torch.float16 if args.fp16 else None
