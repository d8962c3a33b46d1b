"""How far a student's distribution of classes is from its teacher's: one number per row, in nats.

All take logits of shape (rows, classes) and give values of shape (rows,). `temperature` divides both logits; as the
gradient shrinks with its square, the result is multiplied by that (Hinton et al. 2015, arXiv 1503.02531): a weight then
means the same at each temperature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


def forward_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher ‖ student): the soft labels of Hinton et al. 2015 (arXiv 1503.02531), without the teacher's entropy.

    The student covers all that the teacher finds likely.
    """
    return _kl(_log(teacher, temperature), _log(student, temperature)) * temperature**2


def reverse_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(student ‖ teacher): what MiniLLM minimises (Gu et al. 2024, arXiv 2306.08543), here at each token.

    The student keeps to what the teacher finds likely, and may leave some of it out.
    """
    return _kl(_log(student, temperature), _log(teacher, temperature)) * temperature**2


def jensen_shannon(student: Tensor, teacher: Tensor, temperature: float = 1.0, beta: float = 0.5) -> Tensor:
    """Generalised Jensen-Shannon divergence of GKD (Agarwal et al. 2024, arXiv 2306.13649).

    β·KL(teacher ‖ m) + (1 − β)·KL(student ‖ m) with the mixture m = β·teacher + (1 − β)·student. Divided by β it comes
    to the forward KL as β goes to 0, and divided by 1 − β to the reverse KL as β goes to 1.
    """
    p, q = _log(teacher, temperature), _log(student, temperature)
    mixture = torch.logaddexp(p + math.log(beta), q + math.log1p(-beta))
    return (beta * _kl(p, mixture) + (1 - beta) * _kl(q, mixture)) * temperature**2


def logit_squared_error(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared difference of the logits, averaged over the classes (Ba & Caruana 2014, arXiv 1312.6184).

    Where classes are numbers to be predicted, as in a regression, it is the soft target.
    """
    return ((student.float() - teacher.float()) ** 2).mean(-1)


def binary_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher ‖ student) of each class by itself, averaged: soft labels where classes don't exclude one another."""
    p, q = teacher.float() / temperature, student.float() / temperature
    yes = functional.logsigmoid(p).exp() * (functional.logsigmoid(p) - functional.logsigmoid(q))
    no = functional.logsigmoid(-p).exp() * (functional.logsigmoid(-p) - functional.logsigmoid(-q))
    return (yes + no).mean(-1) * temperature**2


@dataclass(frozen=True)
class TopK:
    """The likeliest classes of a distribution, and what is left of it.

    Shapes: `indices` and `log_probabilities` (rows, k), the latter of the whole distribution, not of these k alone.
    """

    indices: Tensor
    log_probabilities: Tensor

    @classmethod
    def of(cls, logits: Tensor, k: int, temperature: float = 1.0) -> TopK:
        """The `k` likeliest classes of each row."""
        values, indices = logits.topk(k, dim=-1)
        return cls(indices, _chosen(values, logits, temperature))

    def packed(self) -> Tensor:
        """Both in one tensor of shape (rows, 2k), in fp32, which holds numbers of classes up to 16,777,216 exactly."""
        return torch.cat([self.log_probabilities, self.indices.float()], dim=-1)

    @classmethod
    def unpacked(cls, packed: Tensor) -> TopK:
        """What was `packed`."""
        log_probabilities, indices = packed.chunk(2, dim=-1)
        return cls(indices.long(), log_probabilities)

    def with_tail(self) -> Tensor:
        """Log-probabilities of the k classes and of all others together, shape (rows, k + 1)."""
        return _with_tail(self.log_probabilities)


def over_top_k(
    student: Tensor,
    teacher: Tensor,
    divergence: Callable[[Tensor, Tensor], Tensor] = forward_kl,
    temperature: float = 1.0,
) -> Tensor:
    """A divergence over the teacher's k likeliest classes, and the rest as one class more.

    `teacher` is a `TopK` at this temperature, packed. Forward and reverse KL are never above those of the full
    distributions, and equal to them where student and teacher agree on how the rest is divided. Renormalising the k
    classes instead, without the rest, teaches the student nothing of how likely the rest is: its minimum is biased.
    """
    top = TopK.unpacked(teacher)
    chosen = _chosen(student.gather(-1, top.indices), student, temperature)
    return divergence(_with_tail(chosen), top.with_tail()) * temperature**2


def _chosen(values: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """Log-probabilities of some classes by their logits, among all."""
    return values.float() / temperature - (logits.float() / temperature).logsumexp(-1, keepdim=True)


def _log(logits: Tensor, temperature: float) -> Tensor:
    return functional.log_softmax(logits.float() / temperature, dim=-1)


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """Σ p·(log p − log q) of log-probabilities."""
    return functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)


_SMALLEST_TAIL = 1e-7
"""Below what is left of 1 in fp32."""


def _with_tail(log_probabilities: Tensor) -> Tensor:
    tail = (1 - log_probabilities.exp().sum(-1, keepdim=True)).clamp(min=_SMALLEST_TAIL)
    return torch.cat([log_probabilities, tail.log()], dim=-1)
