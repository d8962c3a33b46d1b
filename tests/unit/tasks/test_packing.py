"""Rows that share a sequence don't see one another."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import transformers

from hf_efficient.data.documents import Documents
from hf_efficient.data.packing import TokenRows, as_dataset, as_packed_dataset
from hf_efficient.errors import PlanError
from hf_efficient.losses import Batch, next_token
from hf_efficient.recipe.task import Generation
from hf_efficient.tasks.causal_lm import METRICS, CausalLM
from hf_efficient.tasks.packing import check_packing
from tests.tiny_language_models import LANGUAGE_MODELS, PadZero, random_rows

LENGTHS = (5, 3, 7, 2, 4, 6)


def batch(packed: bool, rows: TokenRows) -> dict[str, torch.Tensor]:
    table = as_packed_dataset(rows, 9) if packed else as_dataset(rows)
    task = CausalLM(Documents(text="text"), packed, METRICS, Generation())
    return task.collator(PadZero())(table.to_list())


def forward(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    return model(**{name: value for name, value in inputs.items() if name != "labels"}, use_cache=False).logits


def by_row(inputs: dict[str, torch.Tensor], logits: torch.Tensor) -> dict[tuple[int, ...], torch.Tensor]:
    """Logits of each row of the batch, by the row's ids."""
    found = {}
    for ids, positions, values in zip(inputs["input_ids"], inputs["position_ids"], logits, strict=True):
        starts = [*(positions == 0).nonzero().squeeze(-1).tolist(), len(ids)]
        for start, end in pairwise(starts):
            found[tuple(ids[start:end].tolist())] = values[start:end]
    return found


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_logits_of_packed_rows_are_those_of_rows_alone(name, attention):
    model = LANGUAGE_MODELS[name](attn_implementation=attention).eval()
    rows = random_rows(LENGTHS)
    together = batch(True, rows)
    assert len(together["input_ids"]) == 3, "27 tokens fill three sequences of 9"
    assert "attention_mask" not in together, "with a mask transformers does not look at positions"
    packed = by_row(together, forward(model, together))
    for start, length in zip(rows.starts, rows.lengths, strict=True):
        ids = rows.ids[start : start + length]
        alone = model(input_ids=torch.as_tensor(ids, dtype=torch.long)[None], use_cache=False).logits[0]
        torch.testing.assert_close(packed[tuple(ids.tolist())], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_the_loss_of_packed_rows_is_that_of_padded_rows(name):
    model, rows = LANGUAGE_MODELS[name]().eval(), random_rows(LENGTHS)
    sums, counts = [], []
    for packed in (True, False):
        inputs = batch(packed, rows)
        terms = next_token().rows(Batch(inputs, inputs, {"logits": forward(model, inputs)}))
        sums.append(float(terms.values.detach().sum()))
        counts.append(int(next_token().count(inputs)))
    assert counts == [sum(LENGTHS) - len(LENGTHS)] * 2
    assert sums[0] == pytest.approx(sums[1], rel=1e-6)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_logits_of_a_row_do_not_change_with_its_neighbour(name):
    model = LANGUAGE_MODELS[name]().eval()
    first, second = random_rows((4, 5)), random_rows((4, 5))
    second.ids[second.starts[1] :] = (second.ids[second.starts[1] :] + 1) % 40 + 4
    inputs = [batch(True, rows) for rows in (first, second)]
    # The longer row, which was changed, goes first.
    assert not torch.equal(inputs[0]["input_ids"][:, :5], inputs[1]["input_ids"][:, :5])
    logits = [forward(model, given)[:, 5:] for given in inputs]
    torch.testing.assert_close(logits[0], logits[1], rtol=0, atol=0)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_models_that_keep_rows_apart_are_accepted_as_they_were(name):
    model = LANGUAGE_MODELS[name]().train()
    check_packing(model, "data.packing")
    assert model.training


def test_a_model_whose_state_runs_through_the_sequence_is_refused():
    config = transformers.MambaConfig(vocab_size=48, hidden_size=16, num_hidden_layers=1, state_size=4)
    torch.manual_seed(0)
    model = transformers.MambaForCausalLM(config)
    with pytest.raises(PlanError, match=r"^a:3: data.packing: MambaForCausalLM .* set data.packing to false$"):
        check_packing(model, "a:3: data.packing")


def test_attention_that_does_not_look_at_positions_is_refused(monkeypatch):
    """As an all-ones mask makes of it."""
    model = LANGUAGE_MODELS["llama"]()
    forward = model.forward
    monkeypatch.setattr(
        model, "forward", lambda input_ids, **given: forward(input_ids, torch.ones_like(input_ids), **given)
    )
    with pytest.raises(PlanError, match=r"LlamaForCausalLM with sdpa attention lets rows of a packed sequence see one"):
        check_packing(model, "data.packing")
