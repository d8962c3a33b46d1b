"""Fine-tuned models that a student learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import AutoTokenizer, PreTrainedModel

from hf_efficient.errors import PlanError
from hf_efficient.models.adapters import adapter_in, base_model, base_of, load_adapted, refusing
from hf_efficient.models.load import explained, located, quiet, takes_images
from hf_efficient.models.quantization import same_in_evaluation

if TYPE_CHECKING:
    from hf_efficient.tasks.base import Task


def load_teacher(name: str, task: Task, processing_class: Any, place: str) -> PreTrainedModel:
    """A fine-tuned model of the task, frozen and in evaluation mode.

    Raises:
        RecipeError: there is no such model.
        PlanError: it is not fine-tuned, has other labels or another order of them, or reads other tokens.
    """
    adapter = adapter_in(name)
    location = located(name if adapter is None else base_of(adapter, place), place)
    is_whole = adapter is None or Path(location) == adapter.parent / "base"
    with explained(name, place), quiet(local=Path(location).is_dir()):
        auto_model = getattr(transformers, task.auto_model)
        # A base knows nothing of the labels yet: the adapter brings the head.
        settings = {"dtype": torch.float32, **({} if is_whole else {**task.config(), "ignore_mismatched_sizes": True})}
        teacher, info = auto_model.from_pretrained(location, output_loading_info=True, **settings)
    if is_whole and info["missing_keys"]:
        raise PlanError(
            f"{place}: {name} has no weights for {', '.join(sorted(info['missing_keys'])[:3])}; a teacher must be "
            f"fine-tuned on the task: fine-tune it first, and name its run directory."
        )
    if adapter is not None:
        same_in_evaluation(teacher)
        with refusing(f"{place}: {name} is no adapter of a {type(teacher).__name__} with these labels"):
            teacher = base_model(load_adapted(teacher, adapter))
    _check_labels(name, teacher.config, task, place)
    if not takes_images(task.auto_model):
        with explained(name, place):
            _check_vocabulary(name, AutoTokenizer.from_pretrained(location), processing_class, place)
    model: PreTrainedModel = teacher.eval().requires_grad_(False)
    return model


def _check_labels(name: str, config: Any, task: Task, place: str) -> None:
    owned = task.config()
    if "num_labels" in owned and config.num_labels != owned["num_labels"]:
        raise PlanError(
            f"{place}: {name} has {config.num_labels} labels, and the data {owned['num_labels']}; teach with a model "
            "fine-tuned on these labels."
        )
    expected, found = (list((labels or {}).values()) for labels in (owned.get("id2label"), config.id2label))
    if expected and found != expected:
        raise PlanError(
            f"{place}: {name} has the labels {', '.join(found)}, and the data {', '.join(expected)}; "
            + (
                "give task.labels in the teacher's order."
                if sorted(found) == sorted(expected)
                else "teach with a model fine-tuned on these labels."
            )
        )


def _check_vocabulary(name: str, tokenizer: Any, students: Any, place: str) -> None:
    if tokenizer.get_vocab() != students.get_vocab():
        raise PlanError(
            f"{place}: {name} has {len(tokenizer):,} tokens that are not the student's {len(students):,}; teacher and "
            "student must read the same tokens."
        )


@dataclass(frozen=True)
class Teachers:
    """One or several teachers on the device of the run; never part of the student, its optimizer or its checkpoint."""

    models: tuple[PreTrainedModel, ...]
    weights: tuple[float, ...]
    """Of each teacher's probabilities; they sum to 1."""
    device: torch.device
    autocast: torch.dtype | None = None
    """Number format of their forward pass; None for that of their weights."""
    _last: list[tuple[Mapping[str, Any], list[Tensor]]] = field(default_factory=list, repr=False)
    """The last micro-batch and what was said of it: several losses ask for the same one."""

    @classmethod
    def on(cls, args: Any, models: Sequence[PreTrainedModel], weights: Sequence[float] | None) -> Teachers:
        """Teachers placed as the run's arguments say; by default all count alike."""
        given = tuple(weights or (1.0,) * len(models))
        dtype = torch.bfloat16 if args.bf16 else torch.float16 if args.fp16 else None
        placed = tuple(model.to(args.device) for model in models)
        return cls(placed, tuple(weight / sum(given) for weight in given), torch.device(args.device), dtype)

    def logits(self, inputs: Mapping[str, Any], temperature: float = 1.0) -> Tensor:
        """The teachers' logits, shaped as the student's.

        Of several teachers, the logits whose probabilities at this temperature are the weighted mean of theirs.
        """
        if len(self.models) == 1:
            return self._outputs(inputs)[0]
        return temperature * self._mean([logits.log_softmax(-1) for logits in self._scaled(inputs, temperature)])

    def binary_logits(self, inputs: Mapping[str, Any], temperature: float = 1.0) -> Tensor:
        """Likewise where each class is there or not, whatever the others are."""
        if len(self.models) == 1:
            return self._outputs(inputs)[0]
        scaled = self._scaled(inputs, temperature)
        there, not_there = (self._mean([logsigmoid(sign * logits) for logits in scaled]) for sign in (1, -1))
        return temperature * (there - not_there)

    def ask(self, inputs: Mapping[str, Any]) -> None:
        """Have the teachers compute, for whoever listens to their layers."""
        self._outputs(inputs)

    def _scaled(self, inputs: Mapping[str, Any], temperature: float) -> list[Tensor]:
        return [logits.float() / temperature for logits in self._outputs(inputs)]

    def _outputs(self, inputs: Mapping[str, Any]) -> list[Tensor]:
        if not self._last or self._last[0][0] is not inputs:
            self._last[:] = [(inputs, [self._forward(model, inputs) for model in self.models])]
        return self._last[0][1]

    def _mean(self, logs: list[Tensor]) -> Tensor:
        """Logarithm of the weighted mean of what these are the logarithms of."""
        return torch.logsumexp(torch.stack([x + math.log(w) for x, w in zip(logs, self.weights, strict=True)]), dim=0)

    def numbers(self, inputs: Mapping[str, Any]) -> Tensor:
        """The weighted mean of the teachers' outputs, where those are numbers and no classes."""
        found = [logits * weight for logits, weight in zip(self._outputs(inputs), self.weights, strict=True)]
        return torch.stack(found).sum(0)

    @torch.no_grad()
    def _forward(self, model: PreTrainedModel, inputs: Mapping[str, Any]) -> Tensor:
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            taken = signature(model.forward).parameters
            logits: Tensor = model(**{name: value for name, value in inputs.items() if name in taken})["logits"]
        return logits
