from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hf_efficient.errors import PlanError, TryAgainError
from hf_efficient.training.micro_batch import MicroBatch
from hf_efficient.training.out_of_memory import Smaller, StepReplay

FOUND = MicroBatch(8, "tried", "abc")


def smaller(path: Path, processes: int = 1) -> Smaller:
    return Smaller(FOUND, rows_of_step=24, path=path, processes=processes)


@pytest.mark.parametrize(("rows", "fewer"), [(24, 12), (8, 4), (7, 3), (3, 1), (2, 1)])
def test_half_is_taken_or_the_next_that_divides_the_step(rows, fewer, tmp_path):
    assert smaller(tmp_path / "kept.json")(rows) == fewer
    kept = MicroBatch.read(tmp_path / "kept.json", "abc")
    assert kept is not None
    assert kept.rows == fewer
    assert str(rows) in kept.reason


def test_several_processes_end_with_try_again(tmp_path):
    with pytest.raises(TryAgainError, match="goes on with 4") as raised:
        smaller(tmp_path / "kept.json", processes=2)(8)
    assert raised.value.exit_code == 75
    assert MicroBatch.read(tmp_path / "kept.json", "abc").rows == 4


def test_a_single_row_that_does_not_fit_ends_the_run(tmp_path):
    with pytest.raises(PlanError, match="single row"):
        smaller(tmp_path / "kept.json")(1)


class Step:
    """A model of one weight, whose backward pass breaks off for more rows than fit, after it has added something."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.ones_(self.model.weight)
        self.passes: list[int] = []

    def backward(self, model, inputs, count):
        rows = inputs["x"]
        self.passes.append(len(rows))
        noise = torch.rand(1)
        loss = (model(rows) * noise).sum() / count
        loss.backward()
        if len(rows) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss.detach()

    def run(self, *batches):
        replay = StepReplay(self.backward, lambda rows: rows // 2)
        torch.manual_seed(0)
        replay.begin()
        losses = [replay(self.model, {"x": batch}, 10) for batch in batches]
        return losses, self.model.weight.grad.item(), replay


def batch(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None]


def test_nothing_changes_where_everything_fits():
    losses, gradient, replay = Step(fits=9).run(batch(1, 2), batch(3, 4))
    torch.manual_seed(0)
    noise = torch.rand(2)
    assert losses == [pytest.approx(0.3 * noise[0].item()), pytest.approx(0.7 * noise[1].item())]
    assert gradient == pytest.approx((0.3 * noise[0] + 0.7 * noise[1]).item())
    assert replay.rows is None


def test_the_whole_step_is_run_again_without_what_the_broken_pass_has_added():
    step = Step(fits=2)
    losses, gradient, replay = step.run(batch(1, 2), batch(3, 4, 5, 6))
    assert step.passes == [2, 4, 2, 2, 2]
    assert replay.rows == 2
    torch.manual_seed(0)
    noise = torch.rand(3)  # the first micro-batch draws as before, the parts of the second go on
    expected = 0.3 * noise[0] + 0.7 * noise[1] + 1.1 * noise[2]
    assert gradient == pytest.approx(expected.item())
    assert losses[1].item() == pytest.approx((0.7 * noise[1] + 1.1 * noise[2]).item())


def test_later_micro_batches_are_split_at_once():
    step = Step(fits=2)
    step.run(batch(1, 2, 3, 4), batch(1, 2, 3))
    assert step.passes == [4, 2, 2, 2, 1]


def test_it_is_halved_until_it_fits():
    step = Step(fits=1)
    _, _, replay = step.run(batch(1, 2, 3, 4))
    assert step.passes == [4, 2, 1, 1, 1, 1]
    assert replay.rows == 1


def test_another_error_is_not_caught():
    def backward(model, inputs, count):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes"):
        StepReplay(backward, lambda rows: rows // 2)(torch.nn.Linear(1, 1), {"x": batch(1)}, 1)
