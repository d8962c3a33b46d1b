"""Hidden states given to a model's upper layers: what we lean on in the forward passes of transformers' models."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import transformers

from hf_efficient.models.cached_rows import padded, row_keys, without_padding
from hf_efficient.models.prefix import Prefix, frozen_depth
from hf_efficient.plan import Plan
from hf_efficient.recipe import Freeze
from hf_efficient.techniques import freeze
from tests.unit.models import test_student
from tests.unit.models.test_student import SIZES

IDS = torch.tensor([[5, 9, 7, 3, 1, 1], [4, 4, 8, 6, 5, 7]])
MASK = torch.tensor([[1, 1, 1, 1, 0, 0], [1] * 6])
IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))

CONFIGS = {
    **test_student.CONFIGS,
    "minilm": transformers.BertConfig(vocab_size=40, pad_token_id=1, **{**SIZES, "num_hidden_layers": 6}),
    "roberta": transformers.RobertaConfig(vocab_size=40, max_position_embeddings=16, **SIZES),
    "electra": transformers.ElectraConfig(vocab_size=40, embedding_size=8, **SIZES),
    "modernbert": transformers.ModernBertConfig(
        vocab_size=40, **{f"{name}_token_id": 1 for name in ("pad", "cls", "sep", "bos", "eos")}, **SIZES
    ),
}
AUTO = {"gpt2": "AutoModelForCausalLM", "swin": "AutoModelForImageClassification", **test_student.AUTO}
STRANGE = {
    "gpt2": (
        transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=4, n_head=4, bos_token_id=1, eos_token_id=1),
        "a dropout that is not frozen",
    ),
    "swin": (
        transformers.SwinConfig(
            image_size=16, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=2
        ),
        "its layers hand on more than hidden states of one shape",
    ),
    "deberta": (
        transformers.DebertaV2Config(
            vocab_size=40, relative_attention=True, position_buckets=4, conv_kernel_size=3, conv_act="gelu", **SIZES
        ),
        "something below the frozen layers is trained",
    ),
}
"""Models whose lower layers can't be told from their hidden states alone, and what is said of them."""


def frozen(kind: str, config, layers: int | str):
    torch.manual_seed(0)
    auto = getattr(transformers, AUTO.get(kind, "AutoModelForSequenceClassification"))
    return freeze.apply(Plan(model=auto.from_config(deepcopy(config))), Freeze(layers=layers)).model


def batches(kind: str, size: int = 8):
    """A short row alone, and with a longer one."""
    if kind in ("vit", "swin"):
        both = {"pixel_values": torch.nn.functional.interpolate(IMAGES, size)}
        return {name: value[:1] for name, value in both.items()}, both
    both = {"input_ids": IDS, "attention_mask": MASK}
    return {name: value[:1, :4] for name, value in both.items()}, both


def logits(model, batch) -> torch.Tensor:
    """In training mode: where something frozen draws random numbers, they show."""
    torch.manual_seed(1)
    return model.train()(**batch).logits.detach()


def count_calls(modules) -> list[int]:
    calls: list[int] = []
    for number, module in enumerate(modules):
        next(module.children()).register_forward_hook(lambda m, args, out, number=number: calls.append(number))
    return calls


@pytest.mark.parametrize("layers", [1, 3, "all"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_given_states_give_the_logits_and_gradients_of_computed_ones(kind, layers):
    model = frozen(kind, CONFIGS[kind], layers)
    there_are = model.config.num_hidden_layers
    depth = frozen_depth(model, "here")
    assert depth == (there_are if layers == "all" else layers)
    short, both = batches(kind)
    prefix = Prefix(model, depth, "here")
    assert prefix.refusal(model, short, both) is None
    mask = both.get("attention_mask", torch.ones(2, 1)).bool().numpy() if kind != "vit" else None
    expected = logits(model, both)
    with prefix.installed():
        rows = without_padding(prefix.states(model, both).detach().numpy(), mask)
        prefix.lookup = lambda inputs: torch.from_numpy(padded(rows, mask))
        calls = count_calls(part.module for part in prefix.layers)
        found = logits(model, both)
        model(**both).logits.sum().backward()
    assert calls == []
    if kind in ("llama", "qwen2"):
        found, expected = found[mask], expected[mask]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert all((weight.grad is not None) == weight.requires_grad for weight in model.parameters() if weight.ndim > 1)


@pytest.mark.parametrize("kind", STRANGE)
def test_a_model_that_wants_more_of_its_lower_layers_is_found_out(kind):
    config, reason = STRANGE[kind]
    model = frozen(kind, config, 2)
    prefix = Prefix(model, frozen_depth(model, "here"), "here")
    before = {name for module in model.modules() for name in vars(module)}
    assert reason in prefix.refusal(model, *batches(kind, 16))
    assert {name for module in model.modules() for name in vars(module)} == before


def test_a_model_is_left_as_it_was():
    model = frozen("bert", CONFIGS["bert"], 2)
    _, both = batches("bert")
    expected, attributes = logits(model, both), [set(vars(module)) for module in model.modules()]
    prefix = Prefix(model, 2, "here")
    with prefix.installed():
        prefix.states(model, both)
    prefix.remove()
    torch.testing.assert_close(logits(model, both), expected, rtol=0, atol=0)
    assert [set(vars(module)) for module in model.modules()] == attributes
    assert not any(module._forward_hooks for module in model.modules())


def test_keys_are_of_what_the_model_feeds_its_lower_layers():
    model = frozen("bert", CONFIGS["bert"], 2)
    short, both = batches("bert")
    prefix = Prefix(model, 2, "here")
    with prefix.installed():
        alone, together = prefix.inputs(model, short), prefix.inputs(model, {**both, "labels": torch.tensor([0, 1])})
    assert set(together) == {"input_ids", "attention_mask"}
    assert row_keys(alone)[0] == row_keys(together)[0]


@pytest.mark.parametrize("wish", [{"output_hidden_states": True}, {"past_key_values": "a cache"}])
def test_whoever_wants_more_than_hidden_states_has_them_computed(wish):
    """A model that generates keeps keys and values of every layer."""
    model = frozen("llama", CONFIGS["llama"], 2).eval()
    _, both = batches("llama")
    if "past_key_values" in wish:
        wish = {"past_key_values": transformers.DynamicCache(config=model.config)}
    prefix, asked = Prefix(model, 2, "here"), []
    with prefix.installed():
        prefix.lookup = asked.append
        model(**both, **wish)
        assert asked == []
        model(**both)
        assert len(asked) == 1


def test_a_listener_below_is_found_and_one_at_the_boundary_may_stay():
    from hf_efficient.models.taps import Taps

    model = frozen("bert", CONFIGS["bert"], 2)
    taps = Taps(model, "here")
    taps.tap(1, "hidden")
    assert Prefix(model, 2, "here").refusal(model, *batches("bert")) is None
    taps.tap(1, "queries")
    assert "something else has hooks on the frozen layers" in Prefix(model, 2, "here").refusal(model, *batches("bert"))
