from __future__ import annotations

import warnings

import pytest
import torch

from hf_efficient.recipe.schedules import OWN_SCHEDULES
from hf_efficient.training.schedules import one_cycle, own_schedule, step_decay


def rates(make, steps: int) -> list[float]:
    """Rate of each step of a run, for a base rate of 1."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer, steps)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def test_step_decay_takes_its_stairs_in_steps():
    assert rates(lambda o, n: step_decay(o, n, step_size=2, gamma=0.5), 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_step_decay_takes_its_stairs_as_a_share_after_a_warmup():
    found = rates(lambda o, n: step_decay(o, n, warmup_steps=2, step_size=0.5, gamma=0.1), 8)
    assert found == pytest.approx([0, 0.5, 1, 1, 1, 1, 0.1, 0.1])


def test_one_cycle_rises_to_the_rate_and_ends_at_almost_nothing():
    found = rates(lambda o, n: one_cycle(o, n, pct_start=0.5), 11)
    assert found[0] == pytest.approx(1 / 25)
    assert max(found) == pytest.approx(found[4], rel=0.1)
    assert found[-1] < 1e-4


def test_one_cycle_goes_on_from_its_state():
    def fresh():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
        return optimizer, one_cycle(optimizer, 10)

    optimizer, whole = fresh()
    expected = []
    for step in range(10):
        if step == 4:
            saved = whole.state_dict(), optimizer.state_dict()
        expected.append(whole.get_last_lr()[0])
        optimizer.step()
        whole.step()
    optimizer, resumed = fresh()
    resumed.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    for step in range(4, 10):
        assert optimizer.param_groups[0]["lr"] == expected[step]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            resumed.step()


def test_transformers_schedules_are_left_to_transformers():
    assert own_schedule("linear", {}, warmup_steps=0) is None


def test_every_own_schedule_of_the_recipe_is_built_with_its_settings():
    for name in OWN_SCHEDULES:
        assert own_schedule(name, {}, warmup_steps=0) is not None
    halving = own_schedule("step", {"step_size": 1, "gamma": 0.5}, warmup_steps=0)
    assert rates(halving, 3) == [1, 0.5, 0.25]
