"""Fine-tuned models that a student learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
import transformers
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import AutoTokenizer, PreTrainedModel

from hf_efficient.errors import PlanError
from hf_efficient.losses.divergences import TopK
from hf_efficient.losses.rows import NOT_FED
from hf_efficient.models.adapters import adapter_in, base_model, base_of, load_adapted, model_class, refusing
from hf_efficient.models.autocast import autocast_dtype
from hf_efficient.models.load import explained, located, quiet, takes_images
from hf_efficient.models.quantization import same_in_evaluation

if TYPE_CHECKING:
    from hf_efficient.tasks.base import Task


@dataclass(frozen=True)
class Loaded:
    """A fine-tuned model, frozen and in evaluation mode, and what makes its rows."""

    name: str
    model: PreTrainedModel
    tokenizer: Any
    """None for images."""


def load_teacher(name: str, task: Task, place: str) -> Loaded:
    """A fine-tuned model of the task.

    Raises:
        RecipeError: there is no such model.
        PlanError: it is not fine-tuned, or on another task, or has other labels or another order of them.
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
    _check_problem(name, teacher.config, task, place)
    _check_labels(name, teacher.config, task, place)
    tokenizer = None
    if not takes_images(task.auto_model):
        with explained(name, place):
            tokenizer = AutoTokenizer.from_pretrained(location)
    return Loaded(name, teacher.eval().requires_grad_(False), tokenizer)


def _check_problem(name: str, config: Any, task: Task, place: str) -> None:
    expected, found = task.config().get("problem_type"), config.problem_type
    if expected is not None and found is not None and expected != found:
        raise PlanError(
            f"{place}: {name} was fine-tuned for {found}, and the data make a {expected}; teach with a model "
            "fine-tuned on these labels."
        )


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


class Asked(Protocol):
    """Whoever has an answer to each row."""

    def logits(self, batch: Mapping[str, Any], /) -> Tensor:
        """Logits shaped as the student's, or the likeliest classes of each row, packed."""
        ...


@dataclass(frozen=True)
class Top:
    """What is kept of an answer: the `k` likeliest classes at a temperature, and how likely they are."""

    k: int
    temperature: float

    def of(self, logits: Tensor) -> Tensor:
        """A packed `TopK`, (samples, tokens, 2k)."""
        return TopK.of(logits, self.k, self.temperature).packed()


@dataclass(frozen=True)
class Teacher:
    """A model on the device of the run; never part of the student, its optimizer or its checkpoint."""

    model: PreTrainedModel
    device: torch.device
    autocast: torch.dtype | None = None
    """Number format of its forward pass; None for that of its weights."""
    prefix: str = ""
    """What the names of its own columns in a batch begin with; empty where it reads the student's."""
    top: Top | None = None
    """What is kept of its logits; None for all."""
    _last: list[tuple[Mapping[str, Any], Tensor]] = field(default_factory=list, repr=False)
    """The last micro-batch and what was said of it: several losses ask for the same one."""

    @classmethod
    def on(cls, args: Any, model: PreTrainedModel, prefix: str = "", top: Top | None = None) -> Teacher:
        """A teacher placed as the run's arguments say."""
        return cls(model.to(args.device), torch.device(args.device), autocast_dtype(args), prefix, top)

    def inputs(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """What the model is fed of a batch."""
        own = {name.removeprefix(self.prefix): name for name in batch if name.startswith(self.prefix)}
        return {name: batch[column] for name, column in own.items() if name in self._taken}

    @cached_property
    def _taken(self) -> frozenset[str]:
        return frozenset(signature(model_class(self.model).forward).parameters) - NOT_FED

    def logits(self, batch: Mapping[str, Any], /) -> Tensor:
        """What it answers; whoever listens to its layers hears what they compute."""
        if not self._last or self._last[0][0] is not batch:
            self._last[:] = [(batch, self._forward(batch))]
        return self._last[0][1]

    @torch.no_grad()
    def _forward(self, batch: Mapping[str, Any]) -> Tensor:
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            logits: Tensor = self.model(**self.inputs(batch))["logits"]
        return logits if self.top is None else self.top.of(logits)


@dataclass(frozen=True)
class Teachers:
    """One or several teachers who answer together."""

    each: tuple[Asked, ...]
    weights: tuple[float, ...]
    """Of each one's probabilities; they sum to 1."""

    @classmethod
    def weighted(cls, each: Sequence[Asked], weights: Sequence[float] | None = None) -> Teachers:
        """Teachers with these weights; by default all count alike."""
        given = tuple(weights or (1.0,) * len(each))
        return cls(tuple(each), tuple(weight / sum(given) for weight in given))

    def logits(self, batch: Mapping[str, Any], temperature: float = 1.0) -> Tensor:
        """The teachers' logits, shaped as the student's.

        Of several teachers, the logits whose probabilities at this temperature are the weighted mean of theirs.
        """
        if len(self.each) == 1:
            return self.each[0].logits(batch)
        return temperature * self._mean([logits.log_softmax(-1) for logits in self._scaled(batch, temperature)])

    def binary_logits(self, batch: Mapping[str, Any], temperature: float = 1.0) -> Tensor:
        """Likewise where each class is there or not, whatever the others are."""
        if len(self.each) == 1:
            return self.each[0].logits(batch)
        scaled = self._scaled(batch, temperature)
        there, not_there = (self._mean([logsigmoid(sign * logits) for logits in scaled]) for sign in (1, -1))
        return temperature * (there - not_there)

    def numbers(self, batch: Mapping[str, Any]) -> Tensor:
        """The weighted mean of the teachers' outputs, where those are numbers and no classes."""
        found = [teacher.logits(batch) * weight for teacher, weight in zip(self.each, self.weights, strict=True)]
        return torch.stack(found).sum(0)

    def _scaled(self, batch: Mapping[str, Any], temperature: float) -> list[Tensor]:
        return [teacher.logits(batch).float() / temperature for teacher in self.each]

    def _mean(self, logs: list[Tensor]) -> Tensor:
        """Logarithm of the weighted mean of what these are the logarithms of."""
        return torch.logsumexp(torch.stack([x + math.log(w) for x, w in zip(logs, self.weights, strict=True)]), dim=0)
