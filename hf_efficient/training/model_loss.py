"""Models that keep their own loss: does it consume the count of the step, or is it a mean over the micro-batch?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hf_efficient.errors import PlanError
from hf_efficient.losses import IGNORED


def count_labels(batch: Mapping[str, Any], label_names: Sequence[str], *, shifted: bool) -> Tensor | int:
    """Number of labels that count in a micro-batch, else its number of samples.

    Args:
        batch: one collated micro-batch.
        label_names: columns that hold labels; the first one present is counted.
        shifted: the model predicts the next label, so that the first one of each row is never a target.
    """
    if isinstance(targets := batch.get("shift_labels"), Tensor):
        return targets.ne(IGNORED).sum()
    labels: Tensor | None = next((batch[name] for name in label_names if isinstance(batch.get(name), Tensor)), None)
    if labels is None:
        return next((len(value) for value in batch.values() if isinstance(value, Tensor) and value.ndim), 1)
    return (labels[..., 1:] if shifted else labels).ne(IGNORED).sum()


def own_loss(outputs: Any, inputs: Mapping[str, Any]) -> Tensor:
    """The loss that the model computed, as a scalar.

    Raises:
        PlanError: the model gave none.
    """
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs[0]
    if loss is None:
        raise PlanError(
            f"The model returned no loss from the inputs {', '.join(inputs)}; "
            "give the batch its labels, or the trainer losses= or compute_loss_func=."
        )
    mean: Tensor = loss.mean()  # one number per GPU under DataParallel
    return mean


def no_loss(outputs: Any) -> Tensor:
    """0, with a gradient of 0: what a micro-batch without any label adds, whose mean would be no number."""
    logits: Tensor = outputs["logits"] if isinstance(outputs, Mapping) else outputs[1]
    return logits.sum() * 0.0


def consumes_count(model: nn.Module, inputs: Mapping[str, Any]) -> bool:
    """Whether the model divides its loss by `num_items_in_batch`, found by trying it on one batch.

    A signature with `**kwargs` proves nothing: BERT, RoBERTa, T5 and others accept the count and ignore it
    (transformers issue 47688). The trial runs without gradient, dropout or a trace in the random state.
    """
    if not _accepts_count(model):
        return False
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng():
            once, twice = (
                float(own_loss(model(**inputs, num_items_in_batch=torch.tensor(count)), inputs)) for count in (1.0, 2.0)
            )
    finally:
        model.train(training)
    return abs(once - 2 * twice) <= 1e-3 * abs(once) and once != twice


def _accepts_count(model: nn.Module) -> bool:
    parameters = inspect.signature(getattr(model, "module", model).forward).parameters
    return "num_items_in_batch" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
