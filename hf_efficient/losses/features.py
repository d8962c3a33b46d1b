"""How far a student's hidden states, attentions and relations are from its teacher's: one number per token.

Shapes: hidden states (samples, tokens, width); queries, keys and values (samples, heads, tokens, width of a head);
`mask` (samples, tokens), true where there is a token, or None where all are there. Results are (samples, tokens), 0
where there is none.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional


def hidden_squared_error(student: Tensor, teacher: Tensor, mask: Tensor | None) -> Tensor:
    """Squared difference of hidden states, averaged over their width.

    FitNets (Romero et al. 2015, arXiv 1412.6550) and TinyBERT (Jiao et al. 2020, arXiv 1909.10351); where
    widths differ, the student's go through a learned projection first.
    """
    return _kept(((student.float() - teacher.float()) ** 2).mean(-1), mask)


def hidden_cosine(student: Tensor, teacher: Tensor, mask: Tensor | None) -> Tensor:
    """1 − cosine of hidden states (DistilBERT, Sanh et al. 2019, arXiv 1910.01108)."""
    return _kept(1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1), mask)


def attention_transfer(student_scores: Tensor, teacher_scores: Tensor, mask: Tensor | None) -> Tensor:
    """Squared difference of attention scores before the softmax, averaged over heads and over the tokens attended to.

    TinyBERT (Jiao et al. 2020, arXiv 1909.10351). Both have as many heads; scores are (samples, heads, tokens,
    tokens), those of `attention_scores`.
    """
    errors = (student_scores - teacher_scores) ** 2
    if mask is None:
        return errors.mean(-1).mean(1)
    attended = mask[:, None, None, :].to(errors.dtype)
    return _kept(((errors * attended).sum(-1) / attended.sum(-1)).mean(1), mask)


def attention_scores(queries: Tensor, keys: Tensor) -> Tensor:
    """Scaled products of each query with each key, (samples, heads, tokens, tokens), in fp32."""
    return queries.float() @ keys.float().transpose(-1, -2) / math.sqrt(queries.shape[-1])


def relation_kl(student: tuple[Tensor, Tensor], teacher: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
    """KL(teacher ‖ student) of two relations between tokens, averaged over heads.

    A relation is the softmax over the scaled products of each vector of the first part with each of the second: queries
    with keys, which is the attention, and values with values in MiniLM (Wang et al. 2020, arXiv 2002.10957); queries,
    keys and values each with themselves in MiniLMv2 (Wang et al. 2021, arXiv 2012.15828), after `split_heads`. The
    widths of the heads may differ, their number not.
    """
    ours, theirs = (_log_relation(*part, mask) for part in (student, teacher))
    terms = theirs.exp() * (theirs - ours)
    if mask is not None:  # a token that is not there has a probability of 0 in both
        terms = terms.masked_fill(~mask[:, None, None, :].bool(), 0.0)
    return _kept(terms.sum(-1).mean(1), mask)


def split_heads(vectors: Tensor, num_heads: int) -> Tensor:
    """The same vectors in another number of relation heads: (samples, heads, tokens, width) joined and cut again.

    So students and teachers with unequal numbers of heads share relations (MiniLMv2, arXiv 2012.15828).
    """
    samples, heads, tokens, width = vectors.shape
    joined = vectors.transpose(1, 2).reshape(samples, tokens, num_heads, heads * width // num_heads)
    return joined.transpose(1, 2)


def _log_relation(first: Tensor, second: Tensor, mask: Tensor | None) -> Tensor:
    scores = attention_scores(first, second)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :].bool(), -1e9)
    return scores.log_softmax(-1)


def _kept(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask
