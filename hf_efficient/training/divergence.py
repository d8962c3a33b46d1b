"""A run that has diverged ends."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import TrainerCallback

from hf_efficient.errors import HfEfficientError


class EndIfDiverged(TrainerCallback):
    """Ends a run whose loss is infinite or no number: its weights are lost, and every further step is wasted.

    A training loss alone may overflow for a step in fp16, which the loss scaler mends; then the weights are finite.
    """

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Looks at every logged loss.

        Raises:
            HfEfficientError: the run has diverged.
        """
        logs = kwargs["logs"]
        for name in ("loss", "eval_loss"):
            loss = logs.get(name, 0.0)
            if not math.isfinite(loss) and (name == "eval_loss" or not _is_finite(kwargs["model"])):
                raise HfEfficientError(
                    f"training has diverged: {name} is {loss} at step {state.global_step}; lower "
                    f"training.learning_rate ({args.learning_rate}) and choose another training.output_dir."
                )


def _is_finite(model: Any) -> bool:
    with torch.no_grad():
        return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
