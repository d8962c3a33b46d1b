"""The plan: all that a run is made of, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from hf_efficient.data.batches import Batches
from hf_efficient.errors import PlanError
from hf_efficient.losses import Loss

if TYPE_CHECKING:
    from hf_efficient.tasks.base import Task


@dataclass(frozen=True)
class Plan:
    """Parts of a run. `with_…` methods return a new plan; a slot that is set is never overwritten."""

    model: Any = None
    """The model that is trained."""
    args: Any = None
    """`transformers.TrainingArguments`."""
    train_dataset: Any = None
    eval_dataset: Any = None
    test_dataset: Any = None
    """Encoded rows; the test rows are scored once, at the end."""
    train_table: Any = None
    """The training rows as they were read, in their order; None where they stream, or no recipe names them."""
    rows_per_epoch: int | None = None
    """Rows of an epoch, where the training rows are those of several epochs one after another."""
    num_unlabelled: int = 0
    """Training rows at the end of each epoch's that only a teacher labels."""
    encode_train: Callable[[Any, Any], Any] | None = None
    """`encode_train(tokenizer, config)`: the training rows, in their order, as another model reads them."""
    truncated_rows: dict[str, int] = field(default_factory=dict)
    """Rows of each split that were longer than the model takes, or `data.max_length`, and were cut: of training rows
    with other views in each epoch the mean of an epoch, rounded up."""
    processing_class: Any = None
    """Tokenizer or image processor, saved with the model."""
    data_collator: Any = None
    task: Task | None = None
    losses: tuple[Loss, ...] | None = None
    """Terms of the objective, the labels' first; None leaves the choice to the trainer."""
    scheduler: Any = None
    """`scheduler(optimizer, num_training_steps)`, or None for that of `args`."""
    learning_rates: Mapping[str, float] | None = None
    """Learning rate of each parameter by name; None for that of `args` for all."""
    order: Any = None
    """Sampler that says which rows come when, or None for the stock shuffle."""
    batches: Batches | None = None
    """How rows are grouped into batches, or None for as they come."""
    smaller_micro_batch: Callable[[int], int] | None = None
    """Rows to take where a micro-batch of so many does not fit memory; None where that ends the run."""
    callbacks: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    """What was decided for the user, and why; shown by `explain` and in the report."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a technique tells the report, by the technique's name; a function of what it knows at the end of the run."""
    prepared_seconds: tuple[float, float] = (0.0, 0.0)
    """Wall and CPU seconds that were spent on filling caches while the plan was made: they count as training."""
    set_by: dict[str, str] = field(default_factory=dict)
    """Technique that set each slot."""

    @property
    def num_train_rows(self) -> int:
        """Training rows of an epoch, those without labels too."""
        return len(self.train_dataset) if self.rows_per_epoch is None else self.rows_per_epoch

    def with_loss(self, loss: Loss) -> Plan:
        """The plan with one more term in the objective."""
        return replace(self, losses=(*(self.losses or ()), loss))

    def with_labels_weight(self, weight: float, *, by: str) -> Plan:
        """The plan whose labels' loss has another weight than 1.

        Raises:
            PlanError: the model keeps its own loss, or another technique has set the weight.
        """
        if not self.losses or not is_dataclass(self.losses[0]):
            raise PlanError(f"{by} weighs the labels' loss, and the model keeps its own.")
        if "labels_weight" in self.set_by:
            raise PlanError(f"{by} weighs the labels' loss, and {self.set_by['labels_weight']} has done it already.")
        labels = replace(self.losses[0], weight=weight)
        return replace(self, losses=(labels, *self.losses[1:]), set_by={**self.set_by, "labels_weight": by})

    def with_callback(self, callback: Any) -> Plan:
        """The plan with one more callback."""
        return replace(self, callbacks=(*self.callbacks, callback))

    def with_order(self, sampler: Any, *, by: str) -> Plan:
        """The plan with a sampler.

        Raises:
            PlanError: another technique has set one.
        """
        return self._set("order", sampler, by)

    def with_batches(self, batches: Batches, *, by: str) -> Plan:
        """The plan with rows grouped into batches.

        Raises:
            PlanError: another technique has grouped them.
        """
        return self._set("batches", batches, by)

    def with_facts(self, by: str, facts: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> Plan:
        """The plan with what a technique tells the report."""
        return replace(self, facts={**self.facts, by: facts})

    def with_note(self, note: str) -> Plan:
        """The plan with one more remark for the user."""
        return replace(self, notes=(*self.notes, note))

    def _set(self, slot: str, value: Any, by: str) -> Plan:
        if getattr(self, slot) is not None:
            owner = self.set_by.get(slot, "the caller")
            raise PlanError(f"{by} sets the {slot} of the run, and {owner} has set it already; use one of them.")
        return replace(self, **{slot: value}, set_by={**self.set_by, slot: by})
