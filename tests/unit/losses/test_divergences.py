from __future__ import annotations

import math

import pytest
import torch
from torch import tensor

from hf_efficient.losses.divergences import (
    TopK,
    binary_kl,
    forward_kl,
    jensen_shannon,
    logit_squared_error,
    over_top_k,
    reverse_kl,
)

LN2, LN3 = math.log(2), math.log(3)
EVEN = tensor([[0.0, 0.0]])
"""Probabilities 1/2 and 1/2."""
SKEWED = tensor([[0.0, LN3]])
"""Probabilities 1/4 and 3/4."""


def close(found: torch.Tensor, *expected: float) -> None:
    torch.testing.assert_close(found, tensor(expected))


def test_forward_kl_weighs_by_the_teacher():
    # 1/2·log(1/2 : 1/4) + 1/2·log(1/2 : 3/4)
    close(forward_kl(SKEWED, EVEN), 0.5 * LN2 + 0.5 * math.log(2 / 3))


def test_reverse_kl_weighs_by_the_student():
    # 1/4·log(1/4 : 1/2) + 3/4·log(3/4 : 1/2)
    close(reverse_kl(SKEWED, EVEN), -0.25 * LN2 + 0.75 * math.log(1.5))


def test_temperature_divides_logits_and_multiplies_by_its_square():
    close(forward_kl(2 * SKEWED, EVEN, temperature=2.0), 4 * (0.5 * LN2 + 0.5 * math.log(2 / 3)))


def test_its_gradient_hardly_depends_on_a_high_temperature():
    norms = []
    for temperature in (10.0, 100.0):
        student = tensor([[0.3, -0.2, 0.1]], requires_grad=True)
        forward_kl(student, tensor([[1.0, 0.0, -1.0]]), temperature).sum().backward()
        norms.append(student.grad.norm().item())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_jensen_shannon_is_the_mean_divergence_from_the_mixture():
    # Teacher (1/2, 1/2), student (1/4, 3/4), mixture (3/8, 5/8).
    teacher = 0.5 * math.log(4 / 3) + 0.5 * math.log(4 / 5)
    student = 0.25 * math.log(2 / 3) + 0.75 * math.log(6 / 5)
    close(jensen_shannon(SKEWED, EVEN), (teacher + student) / 2)


@pytest.mark.parametrize(("beta", "limit", "share"), [(1e-4, forward_kl, 1e-4), (1 - 1e-4, reverse_kl, 1e-4)])
def test_its_ends_are_the_two_kl_divergences(beta, limit, share):
    torch.testing.assert_close(jensen_shannon(SKEWED, EVEN, beta=beta) / share, limit(SKEWED, EVEN), rtol=0.01, atol=0)


@pytest.mark.parametrize("divergence", [forward_kl, reverse_kl, jensen_shannon, binary_kl])
def test_they_are_0_at_the_teacher_and_positive_elsewhere(divergence):
    teacher = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(divergence(teacher, teacher, 3.0), torch.zeros(5), atol=1e-6, rtol=0)
    assert (divergence(teacher.roll(1, 0), teacher, 3.0) > 0).all()


def test_a_row_has_its_own_number():
    both = forward_kl(torch.cat([SKEWED, EVEN]), torch.cat([EVEN, EVEN]))
    close(both, forward_kl(SKEWED, EVEN).item(), 0.0)


def test_squared_error_is_averaged_over_the_classes():
    close(logit_squared_error(tensor([[1.0, 2.0]]), tensor([[0.0, 4.0]])), 2.5)


def test_binary_kl_takes_each_class_by_itself():
    # Teacher 1/2 and 3/4, student 1/2 and 1/2.
    second = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    close(binary_kl(tensor([[0.0, 0.0]]), tensor([[0.0, LN3]])), second / 2)


PROBABILITIES = tensor([[0.5, 0.3, 0.1, 0.1]])


def test_the_tail_is_all_that_is_not_among_the_k():
    top = TopK.of(PROBABILITIES.log(), k=2)
    assert top.indices.tolist() == [[0, 1]]
    torch.testing.assert_close(top.with_tail().exp(), tensor([[0.5, 0.3, 0.2]]))


def over_top(student, teacher, k, temperature=1.0, divergence=forward_kl):
    return over_top_k(student, TopK.of(teacher, k, temperature).packed(), divergence, temperature)


def test_what_is_packed_comes_out_again():
    logits = torch.zeros(2, 70_000)
    logits[0, 69_999], logits[1, 65_537] = 3.0, 2.0
    top = TopK.of(logits, 2)
    again = TopK.unpacked(top.packed())
    assert again.indices.equal(top.indices)
    assert again.log_probabilities.equal(top.log_probabilities)


def test_top_k_is_the_divergence_of_the_k_and_the_tail():
    student = tensor([[0.25, 0.25, 0.25, 0.25]]).log()
    expected = 0.5 * math.log(2) + 0.3 * math.log(0.3 / 0.25) + 0.2 * math.log(0.2 / 0.5)
    close(over_top(student, PROBABILITIES.log(), 2), expected)


@pytest.mark.parametrize("divergence", [forward_kl, reverse_kl, jensen_shannon])
def test_it_never_exceeds_the_full_divergence_and_reaches_it(divergence):
    generator = torch.Generator().manual_seed(1)
    teacher, student = (torch.randn(50, 8, generator=generator) for _ in range(2))
    full = divergence(student, teacher, 2.0)
    for k in (1, 3, 7):
        assert (over_top(student, teacher, k, 2.0, divergence) <= full + 1e-5).all()
    torch.testing.assert_close(over_top(student, teacher, 7, 2.0, divergence), full, rtol=1e-3, atol=1e-4)


def fitted(loss) -> torch.Tensor:
    """The distribution that a student comes to who minimises a loss."""
    logits = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=2.0)
    for _ in range(2000):
        optimizer.zero_grad()
        loss(logits).sum().backward()
        optimizer.step()
    return logits.detach().softmax(-1)


def test_without_the_tail_top_k_is_biased_and_with_it_it_is_not():
    top = TopK.of(PROBABILITIES.log(), 2)

    def naive(student):
        return forward_kl(student.gather(-1, top.indices), top.log_probabilities)

    torch.testing.assert_close(fitted(lambda s: over_top_k(s, top.packed())), PROBABILITIES, atol=1e-3, rtol=0)
    assert fitted(naive)[0, 0].item() < 0.4, "half of what the teacher gives the likeliest class is in the rest"
