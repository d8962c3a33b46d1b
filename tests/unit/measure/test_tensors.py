from __future__ import annotations

import torch

from hf_efficient.measure import LiveBytes

KB = 1024


def floats(count: int) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.float32)


def test_it_counts_what_is_made_and_takes_off_what_is_freed():
    with LiveBytes() as live:
        first = floats(KB)
        second = first + 1
        del first
        third = second.exp()
    assert live.after_operation == [4 * KB, 8 * KB, 8 * KB]
    del second, third


def test_a_view_and_a_change_in_place_take_nothing():
    with LiveBytes() as live:
        made = floats(KB)
        made.view(2, -1).add_(1)
    assert max(live.after_operation) == 4 * KB


def test_what_was_there_before_is_not_counted():
    before = floats(KB)
    with LiveBytes() as live:
        before.mul_(2)
        before.t()
    assert live.after_operation == [0, 0]


def test_the_backward_pass_is_seen():
    weight = torch.nn.Parameter(floats(KB))
    with LiveBytes() as live:
        (weight.exp() * 2).sum().backward()
    # At the least the gradient and the saved result of exp.
    assert max(live.after_operation) >= 8 * KB
