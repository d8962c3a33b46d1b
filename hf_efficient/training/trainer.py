"""`EfficientTrainer`: transformers' `Trainer` that owns the reduction of the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Sampler
from transformers import TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from hf_efficient.data.batches import Batches, Split
from hf_efficient.data.decoder_inputs import DecoderInputs
from hf_efficient.data.epochs import InEpoch, Shuffled
from hf_efficient.data.randomness import data_seed
from hf_efficient.errors import PlanError
from hf_efficient.losses import PARTNER_LABELS, ROW_NUMBER, Batch, Loss, Supervised, is_side_column, known_head
from hf_efficient.models.adapters import base_model
from hf_efficient.models.distributed import data_parallel_size
from hf_efficient.plan import Plan
from hf_efficient.recipe.section import Section
from hf_efficient.techniques import apply_techniques
from hf_efficient.training.eight_bit import forget_overrides
from hf_efficient.training.epochs import SetEpoch
from hf_efficient.training.learning_rates import parameter_groups
from hf_efficient.training.loading import (
    every_row,
    grouped_dataloader,
    in_order,
    longest_first,
    prediction_in_order,
    with_a_batch,
)
from hf_efficient.training.model_loss import consumes_count, count_labels, no_loss, own_loss
from hf_efficient.training.out_of_memory import StepReplay
from hf_efficient.training.resumable_trainer import ResumableTrainer
from hf_efficient.training.schedules import Scheduler
from hf_efficient.training.tally import Tally

if TYPE_CHECKING:
    from hf_efficient.tasks.base import PredictStep

_SKIP_LOGITS = "skip_logits"
"""What transformers 5.23 tells models with Liger's kernels where it wants their own loss alone."""


class EfficientTrainer(ResumableTrainer):
    """transformers' `Trainer` with more doors; it takes every argument that `Trainer` takes, and:

    Args:
        losses: terms of the objective, each one number per row (`hf_efficient.losses.Loss`). The first one is the
            labels': `eval_loss` is it alone. By default the row loss of the model's head, if it is a known one; any
            other model keeps its own loss.
        sampler: the order of the training rows. It must be a pure function of (seed, epoch), the same on each
            process; if it has `set_epoch`, it is called before each epoch.
        rows_per_epoch: rows of an epoch, where `train_dataset` holds those of several epochs one after another, such as
            views of the same rows; `sampler` and `batches` speak of rows of an epoch.
        batches: how rows are grouped into batches (`hf_efficient.data.batches.Batches`): the rows of an optimizer
            step are formed first and split over accumulation and processes second. Evaluation is then sorted by
            length too; predictions come in the caller's order.
        learning_rates: the learning rate of each parameter by name, instead of `args.learning_rate` for all; the
            schedule multiplies each.
        scheduler: `scheduler(optimizer, num_training_steps)`, instead of `args.lr_scheduler_type`.
        smaller_micro_batch: `smaller_micro_batch(rows)`, asked where a micro-batch of so many rows runs out of memory:
            how many to take instead, or it raises. On a single process the optimizer step is run again in parts of
            that many rows, with the same loss and gradient. By default the error is raised.
        predict_step: `predict_step(model, inputs)`, what evaluation and prediction take instead of the model's
            outputs, e.g. generated ids (samples, tokens); called only where there are metrics or predictions to make.
        techniques: sections of a recipe such as `EarlyStopping(patience_epochs=2)`, applied to this trainer.

    However a global batch is split over accumulation steps and processes, loss and gradient are the same: each term
    is summed over its rows and divided once by the rows of the whole optimizer step. A model that keeps its own loss
    is scaled by its share of the step's labels, which is exact for a loss that is a mean over them.

    With `compute_loss_func` the stock Trainer's reduction applies, untouched.
    """

    def __init__(
        self,
        model: Any = None,
        args: TrainingArguments | None = None,
        data_collator: Any = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        model_init: Callable[..., Any] | None = None,
        compute_loss_func: Callable[..., Any] | None = None,
        compute_metrics: Callable[..., dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        optimizer_cls_and_kwargs: tuple[Any, dict[str, Any]] | None = None,
        preprocess_logits_for_metrics: Callable[..., Any] | None = None,
        *,
        losses: Sequence[Loss] | None = None,
        sampler: Sampler[int] | None = None,
        rows_per_epoch: int | None = None,
        batches: Batches | None = None,
        scheduler: Scheduler | None = None,
        learning_rates: Mapping[str, float] | None = None,
        smaller_micro_batch: Callable[[int], int] | None = None,
        predict_step: PredictStep | None = None,
        techniques: Sequence[Section] = (),
    ) -> None:
        _check_losses(losses, compute_loss_func)
        plan = Plan(
            model=model,
            args=args,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            data_collator=data_collator,
            losses=None if losses is None else tuple(losses),
            order=sampler,
            rows_per_epoch=rows_per_epoch,
            batches=batches,
            callbacks=tuple(callbacks or ()),
        )
        plan = apply_techniques(plan, techniques)
        if compute_loss_func is not None:
            _check_unmixed(plan.train_dataset)
        self.sampler = plan.order
        self.rows_per_epoch = plan.rows_per_epoch
        self.batches = plan.batches
        self.sorts_evaluation = plan.batches is not None or getattr(plan.train_dataset, "grouped", False)
        self._scheduler_function = scheduler
        self._learning_rates = learning_rates
        self._predict_step = predict_step
        super().__init__(
            model=plan.model,
            args=plan.args,
            data_collator=plan.data_collator,
            train_dataset=plan.train_dataset,
            eval_dataset=plan.eval_dataset,
            processing_class=plan.processing_class,
            model_init=model_init,
            compute_loss_func=compute_loss_func,
            compute_metrics=compute_metrics,
            callbacks=list(plan.callbacks),
            optimizers=optimizers,
            optimizer_cls_and_kwargs=optimizer_cls_and_kwargs,
            preprocess_logits_for_metrics=preprocess_logits_for_metrics,
        )
        self._losses = self._choose_losses(plan.losses)
        self._replay = None if smaller_micro_batch is None else StepReplay(self._training_step, smaller_micro_batch)
        self._consumes_count: bool | None = None
        self._tally: Tally | None = None
        self._set_epoch = SetEpoch()
        self.add_callback(self._set_epoch)

    def _choose_losses(self, losses: tuple[Loss, ...] | None) -> tuple[Loss, ...] | None:
        """The terms of the objective; None where the model or `compute_loss_func` decides."""
        if losses is not None or self.compute_loss_func is not None:
            return losses
        smoothing = self.args.label_smoothing_factor if self.label_smoother is not None else 0.0
        model = self.accelerator.unwrap_model(self.model)
        head = known_head(base_model(model), label_smoothing=smoothing)
        if isinstance(head, Supervised) and getattr(model.config, "is_encoder_decoder", False):
            self.data_collator = DecoderInputs(self.data_collator, model.prepare_decoder_input_ids_from_labels)
        return None if head is None else (head,)

    # One count a step, over all micro-batches and all processes.

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """The micro-batches of one optimizer step, and how many rows each term of the loss has in them.

        The count is a scalar where there is one term, as the stock Trainer's, else of shape (terms,).
        """
        if self.compute_loss_func is not None:
            return super().get_batch_samples(epoch_iterator, num_batches, device)
        if self._replay is not None:
            self._replay.begin()
        batches = list(islice(epoch_iterator, num_batches))
        if not batches:
            return batches, None
        counts = torch.stack([self._count(batch, device) for batch in batches]).sum(0)
        if self.args.world_size > 1:
            counts = self.accelerator.reduce(counts, reduction="sum")
            # Ranks of a tensor-, context- or sequence-parallel group see the same rows.
            counts = counts / (self.get_tp_size() * self.get_cp_size() * self.get_sp_size())
        counts = counts.clamp(min=1)  # a step without any label has a loss of 0
        return batches, counts[0] if len(counts) == 1 else counts

    def _count(self, batch: Mapping[str, Any], device: Any) -> Tensor:
        if self._losses is None:
            counts = [count_labels(batch, self.label_names, shifted=self._loss_shifts_labels)]
        else:
            counts = [loss.count(batch) for loss in self._losses]
        return torch.stack([torch.as_tensor(count, device=device, dtype=torch.float32) for count in counts])

    # One division.

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Forward and backward pass of one micro-batch; its share of the step's loss."""
        if ROW_NUMBER in inputs:
            for observer in self._observers():
                observer.on_rows(inputs[ROW_NUMBER])
        if self._replay is None:
            return self._training_step(model, inputs, num_items_in_batch)
        return self._replay(model, inputs, num_items_in_batch)

    def _training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any) -> Tensor:
        """Stock step; a subclass whose `compute_loss` never comes to ours is scaled as the stock Trainer scales it."""
        self.loss_is_scaled_for_ga = None
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """This process's share of the step's loss, times the number of processes, since gradients are averaged.

        Args:
            model: the wrapped model.
            inputs: one micro-batch.
            return_outputs: also return the model's outputs.
            num_items_in_batch: rows of the whole step for each term; by default those of this micro-batch.
        """
        if self.compute_loss_func is not None:
            return super().compute_loss(model, _unnumbered(inputs), return_outputs, num_items_in_batch)
        self.loss_is_scaled_for_ga = True
        if not model.training or num_items_in_batch is None:
            num_items_in_batch = self._count(inputs, self.args.device).clamp(min=1)
            ranks = 1
        else:
            num_items_in_batch = num_items_in_batch.reshape(-1)
            ranks = self.accelerator.num_processes // self.get_tp_size()
        if self._losses is None:
            loss, outputs = self._model_loss(model, inputs, num_items_in_batch)
        else:
            loss, outputs = self._row_loss(model, inputs, num_items_in_batch)
        loss = loss * ranks
        return (loss, outputs) if return_outputs else loss

    def _row_loss(self, model: nn.Module, inputs: dict[str, Any], counts: Tensor) -> tuple[Tensor, Any]:
        assert self._losses is not None
        feed = {key: value for key, value in inputs.items() if not (is_side_column(key) or key == _SKIP_LOGITS)}
        outputs = model(**feed)
        named = outputs if isinstance(outputs, Mapping) else {"logits": outputs[0]}
        batch = Batch(feed, {key: value for key, value in inputs.items() if is_side_column(key)}, named)
        if not model.training:
            loss = self._evaluation_loss(batch, counts[0])
        else:
            rows = [term.rows(batch) for term in self._losses]
            for observer in self._observers():
                observer.on_losses(batch, rows[0])
            weighted = zip(rows, self._losses, counts, strict=True)
            terms = [each.values.sum() * (term.weight / count) for each, term, count in weighted]
            loss = terms[0] if len(terms) == 1 else torch.stack(terms).sum()
        # prediction_step drops the first element of a tuple as the loss.
        return loss, outputs if isinstance(outputs, Mapping) else (loss, *outputs)

    def _model_loss(self, model: nn.Module, inputs: dict[str, Any], counts: Tensor) -> tuple[Tensor, Any]:
        inputs = _unnumbered(inputs)
        if self._consumes_count is None:
            self._consumes_count = consumes_count(model, inputs)
        share = self._count(inputs, counts.device)[0]
        if self._consumes_count:
            outputs = model(**inputs, num_items_in_batch=counts[0])
            loss = own_loss(outputs, inputs)
        else:
            outputs = model(**inputs)
            loss = own_loss(outputs, inputs) * (share / counts[0]) if share else no_loss(outputs)
        if not model.training and self._tally is not None:
            self._tally.add(self.accelerator.gather(torch.stack([loss.detach().float() * share, share])[None]))
        return loss, outputs

    # `eval_loss` is the sum over all rows divided by their number, not a mean of batch means.

    def _evaluation_loss(self, batch: Batch, count: Tensor) -> Tensor:
        assert self._losses is not None
        rows = self._losses[0].rows(batch)
        if self._tally is not None:
            samples = len(next(iter(batch.inputs.values())))
            # Samples that accelerate repeats to fill the last batch of each process are dropped here.
            self._tally.add(self.accelerator.gather_for_metrics(Tally.per_sample(rows, samples)))
        return rows.values.sum() / count

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Loss, predictions and labels of a batch; predictions are those of `predict_step` if it was given."""
        if self._predict_step is None or prediction_loss_only:
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        inputs = self._prepare_inputs(inputs)
        labels = inputs.get("labels")
        loss = None if labels is None else super().prediction_step(model, inputs, True, ignore_keys)[0]
        with torch.no_grad(), self.compute_loss_context_manager():
            predictions = self._predict_step(self.accelerator.unwrap_model(model), inputs)
        return loss, predictions, labels

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Stock loop; its loss replaced by the global sum over the global count."""
        order, compute_metrics = getattr(dataloader, "row_order", None), self.compute_metrics
        if order is not None and compute_metrics is not None:
            self.compute_metrics = lambda prediction: compute_metrics(prediction_in_order(prediction, order))
        self._tally = Tally()
        try:
            output = super().evaluation_loop(
                dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
            )
        finally:
            self.compute_metrics = compute_metrics
        tally, self._tally = self._tally, None
        if tally.count and output.metrics is not None:
            output.metrics[f"{metric_key_prefix}_loss"] = tally.mean
        return in_order(output, order)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        names: Any = self._signature_columns
        if names is not None and ROW_NUMBER not in names:
            names = self._signature_columns = [*names, ROW_NUMBER]  # type: ignore[assignment]
        if self._losses is not None:
            kept = filter(is_side_column, _columns(self.train_dataset))
            self._signature_columns = [*dict.fromkeys((*names, "sample_weight", *kept))]  # type: ignore[assignment]

    # More doors: the order of the rows, their batches, the schedule.

    def num_examples(self, dataloader: DataLoader[Any]) -> int:
        """Rows of an epoch."""
        return super().num_examples(dataloader) if self.rows_per_epoch is None else self.rows_per_epoch

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.sampler is not None:
            return self._in_epoch(self.sampler)
        if self.rows_per_epoch is not None:
            return self._in_epoch(Shuffled(self.rows_per_epoch, data_seed(self.args)))
        return super()._get_train_sampler(train_dataset)

    def _in_epoch(self, sampler: Any) -> Any:
        """The sampler, told each epoch; what it draws are places in the training rows."""
        if self.rows_per_epoch is not None:
            sampler = InEpoch(sampler, self.rows_per_epoch, len(self.train_dataset))  # type: ignore[arg-type]
        self._set_epoch.add(sampler)
        return sampler

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of this process; grouped by length if `batches` was given.

        Raises:
            PlanError: `dataloader_drop_last` leaves every row out.
        """
        if self.batches is None:
            return with_a_batch(super().get_train_dataloader(), self)
        ranks = data_parallel_size(self.args, self.model)
        split = Split(self._train_batch_size, self.args.gradient_accumulation_steps, ranks)
        sampler = self.batches.sampler(
            split, seed=data_seed(self.args), order=self.sampler, drop_last=self.args.dataloader_drop_last
        )
        return grouped_dataloader(self, self._in_epoch(sampler))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """Rows to score; from the longest to the shortest if `batches` was given."""
        rows: Any = self.eval_dataset
        if eval_dataset is not None:
            rows = rows[eval_dataset] if isinstance(eval_dataset, str) else eval_dataset
        return self._sorted(super().get_eval_dataloader, rows)

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        """Rows to predict; likewise."""
        return self._sorted(super().get_test_dataloader, test_dataset)

    def _sorted(self, loader_of: Callable[[Any], Any], rows: Any) -> Any:
        order = longest_first(rows) if self.sorts_evaluation and not self.args.batch_eval_metrics else None
        with every_row(self.args):
            loader = loader_of(rows if order is None else rows.select(order))
        if order is not None:
            loader.row_order = order
        return loader

    def create_optimizer(self, model: Any = None) -> Optimizer:
        """The stock optimizer; its parameters grouped by their rates if `learning_rates` was given."""
        forget_overrides()  # of bitsandbytes, from earlier runs of this process
        if self._learning_rates is None or self.optimizer is not None:
            return super().create_optimizer(model)
        target: Any = self.model if model is None else model
        groups = parameter_groups(
            target, self._learning_rates, self.get_decay_parameter_names(target), self.args.weight_decay
        )
        optimizer_class, settings = self.optimizer_cls_and_kwargs or self.get_optimizer_cls_and_kwargs(
            self.args, target
        )
        self.optimizer_cls_and_kwargs = (optimizer_class, {**settings, "params": groups})
        return super().create_optimizer(model)

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> Any:
        """The schedule of the learning rate: `scheduler` if it was given, else that of `args`."""
        if self._scheduler_function is None or self.lr_scheduler is not None:
            return super().create_scheduler(num_training_steps, optimizer)
        self.lr_scheduler = self._scheduler_function(optimizer or self.optimizer, num_training_steps)  # type: ignore[assignment, arg-type]
        self._created_lr_scheduler = True
        return self.lr_scheduler


def _check_losses(losses: Sequence[Loss] | None, compute_loss_func: Callable[..., Any] | None) -> None:
    if losses is not None and compute_loss_func is not None:
        raise PlanError("EfficientTrainer takes losses or compute_loss_func, not both: both decide the loss.")
    if losses is not None and not losses:
        raise PlanError("losses is empty; give a loss, or leave it out for that of the model's head.")


def _check_unmixed(rows: Any) -> None:
    """Refuse rows with the labels of two beside a loss that reads one."""
    if PARTNER_LABELS in _columns(rows):
        raise PlanError("augment.mixup and augment.cutmix mix labels, of which compute_loss_func knows nothing.")


def _columns(rows: Any) -> Sequence[str]:
    return getattr(rows, "column_names", None) or ()


def _unnumbered(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A batch without the numbers of its rows, which no model takes."""
    return {key: value for key, value in inputs.items() if key != ROW_NUMBER}
