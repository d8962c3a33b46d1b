from __future__ import annotations

import math

import pytest
import torch
import transformers
from torch.nn import functional

from hf_efficient.losses import IGNORED, Batch, Items, chunked_cross_entropy, known_head, next_token, next_token_items


def test_a_position_is_scored_on_the_next_label_and_no_row_crosses_a_sample():
    labels = torch.tensor([[7, 8, 9], [4, IGNORED, 6]])
    items = next_token_items(torch.zeros(2, 3, 10), labels)
    assert items.targets.tolist() == [8, 9, IGNORED, IGNORED, 6, IGNORED]
    assert items.mask.tolist() == [True, True, False, False, True, False]
    assert items.sample.tolist() == [0, 0, 0, 1, 1, 1]


def test_the_logits_are_not_copied():
    logits = torch.zeros(2, 3, 10)
    assert next_token_items(logits, torch.zeros(2, 3, dtype=torch.long)).logits.data_ptr() == logits.data_ptr()


def test_the_first_label_is_no_target():
    assert int(next_token().count({"labels": torch.tensor([[7, 8, 9], [4, IGNORED, 6]])})) == 3


def test_rows_by_hand():
    """Of two classes with logits 0 and log 3, the second has the probability 3/4."""
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, math.log(3)], [5.0, 5.0]]])
    rows = next_token().rows(Batch({}, {"labels": torch.tensor([[0, 1, 0]])}, {"logits": logits}))
    assert rows.values.tolist() == pytest.approx([math.log(4 / 3), math.log(4), 0.0])
    assert rows.mask.tolist() == [True, True, False]


def make_items(logits: torch.Tensor) -> Items:
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(0, logits.shape[1], (len(logits),), generator=generator)
    targets[::3] = IGNORED
    return Items(logits, targets, targets != IGNORED, torch.arange(len(logits)))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("chunk_numel", [1, 70, 1 << 22])
def test_rows_and_gradients_are_those_of_torch(chunk_numel, label_smoothing, monkeypatch):
    monkeypatch.setattr("hf_efficient.losses.causal_lm._CHUNK_NUMEL", chunk_numel)
    logits = torch.randn(11, 17, generator=torch.Generator().manual_seed(0))
    weights = torch.arange(11.0)
    found, expected = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    rows = chunked_cross_entropy(make_items(found), label_smoothing=label_smoothing)
    plain = functional.cross_entropy(
        expected, make_items(expected).targets, reduction="none", label_smoothing=label_smoothing
    )
    torch.testing.assert_close(rows, plain, rtol=1e-6, atol=1e-6)
    (rows * weights).sum().backward()
    (plain * weights).sum().backward()
    torch.testing.assert_close(found.grad, expected.grad, rtol=1e-6, atol=1e-6)


def test_a_batch_without_targets_has_rows_and_gradients_of_zero():
    logits = torch.randn(2, 5, requires_grad=True)
    targets = torch.full((2,), IGNORED)
    rows = chunked_cross_entropy(Items(logits, targets, targets != IGNORED, torch.arange(2)))
    rows.sum().backward()
    assert rows.tolist() == [0.0, 0.0]
    assert not logits.grad.any()


def saved_bytes(loss) -> int:
    """Bytes that a loss keeps for its backward pass, beside the logits themselves."""
    logits = torch.randn(64, 512).bfloat16().requires_grad_()
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        rows = loss(logits, make_items(logits))
    assert rows.requires_grad
    kept.pop(logits.untyped_storage().data_ptr(), None)
    return sum(kept.values())


def test_it_keeps_no_second_copy_of_the_logits():
    def plain(logits, items):
        return functional.cross_entropy(logits.float(), items.targets, reduction="none")

    one_copy = 64 * 512 * 2
    assert saved_bytes(plain) >= one_copy
    assert saved_bytes(lambda logits, items: chunked_cross_entropy(items)) < one_copy / 20


SMALL = {"vocab_size": 16, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def test_a_mixture_of_experts_that_adds_its_routers_loss_keeps_its_own():
    config = transformers.MixtralConfig(**SMALL, num_key_value_heads=1, num_local_experts=2)
    assert known_head(transformers.MixtralForCausalLM(config)) is not None
    config.output_router_logits = True
    assert known_head(transformers.MixtralForCausalLM(config)) is None
