"""Models that keep their own loss are scaled by what they do, not by what their signature says."""

from __future__ import annotations

import pytest
import torch
from torch import nn, tensor

from hf_efficient.errors import PlanError
from hf_efficient.training.model_loss import consumes_count, count_labels, own_loss
from hf_efficient.training.trainer import EfficientTrainer
from tests.trajectory import arguments


class Mean(nn.Module):
    """Takes `**kwargs` and ignores the count, as BERT does."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 1)
        self.calls = 0

    def forward(self, x=None, labels=None, **kwargs):
        self.calls += 1
        return {"loss": ((self.line(x).squeeze(-1) - labels) ** 2).mean()}


class Counting(Mean):
    """Divides by the count that it is given."""

    def forward(self, x=None, labels=None, num_items_in_batch=None):
        self.calls += 1
        errors = (self.line(x).squeeze(-1) - labels) ** 2
        return {"loss": errors.mean() if num_items_in_batch is None else errors.sum() / num_items_in_batch}


class Closed(Mean):
    """Takes no count."""

    def forward(self, x=None, labels=None):
        self.calls += 1
        return {"loss": ((self.line(x).squeeze(-1) - labels) ** 2).mean()}


BATCH = {"x": torch.ones(3, 2), "labels": tensor([1.0, 2.0, 3.0])}


def test_the_count_is_consumed_only_by_a_model_that_divides_by_it():
    assert consumes_count(Counting(), BATCH)
    assert not consumes_count(Mean(), BATCH)


def test_a_model_that_takes_no_count_is_not_tried():
    model = Closed()
    assert not consumes_count(model, BATCH)
    assert model.calls == 0


def test_trying_leaves_no_trace():
    model = Counting().train()
    state = torch.get_rng_state()
    consumes_count(model, BATCH)
    assert model.training
    assert model.line.weight.grad is None
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("model_class", [Mean, Counting, Closed])
def test_the_gradient_does_not_depend_on_the_accumulation(model_class, tmp_path):
    generator = torch.Generator().manual_seed(0)
    rows = [{"x": torch.randn(2, generator=generator), "labels": float(i)} for i in range(12)]
    norms = []
    for batch, accumulation in ((6, 1), (2, 3), (4, 2)):
        torch.manual_seed(0)
        args = arguments(
            str(tmp_path), per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation, max_steps=1
        )
        trainer = EfficientTrainer(model=model_class(), args=args, train_dataset=rows)
        trainer.train()
        log = next(log for log in trainer.state.log_history if "loss" in log)
        norms.append((log["loss"], log["grad_norm"]))
    assert norms[1] == pytest.approx(norms[0], rel=1e-5)
    assert norms[2] != pytest.approx(norms[0], rel=1e-2)  # eight rows, not six: the comparison can fail


def test_labels_are_counted_as_the_model_scores_them():
    labels = tensor([[1, -100, 2], [3, 4, -100]])
    assert int(count_labels({"labels": labels}, ["labels"], shifted=False)) == 4
    assert int(count_labels({"labels": labels}, ["labels"], shifted=True)) == 2
    assert int(count_labels({"labels": labels, "shift_labels": labels}, ["labels"], shifted=True)) == 4
    assert int(count_labels({"x": torch.ones(5, 2)}, ["labels"], shifted=False)) == 5


def test_a_model_without_a_loss_is_an_error_that_names_the_inputs():
    with pytest.raises(PlanError, match="returned no loss from the inputs x, y"):
        own_loss({"logits": tensor([1.0])}, {"x": 1, "y": 2})
