from __future__ import annotations

import pytest
import torch

from hf_efficient.models.depth import depth_of, frozen_modules
from tests.unit.models.test_student import CONFIGS, logits, teacher

BELOW = {
    "bert": "bert.embeddings.",
    "mpnet": "mpnet.e",
    "distilbert": "distilbert.embeddings.",
    "vit": "vit.embeddings.",
    "llama": "model.embed_tokens.",
    "qwen2": "model.embed_tokens.",
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_parameter_stands_in_one_part(kind):
    model = teacher(kind)
    depth = depth_of(model, "here")
    names = [name for part in depth.parts for name in part]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    assert len(depth.layers) == 4
    assert all(name.startswith(BELOW[kind]) for name in depth.embeddings)
    assert all(any(f".{number}." in name for name in layer) for number, layer in enumerate(depth.layers))


@pytest.mark.parametrize("kind", CONFIGS)
def test_what_is_above_does_not_change_what_is_below(kind):
    """A prefix computes the same, whatever happens to the parts above it."""
    from hf_efficient.models.taps import Taps

    model = teacher(kind)
    taps = Taps(model, "here")
    taps.tap(1, "hidden")
    logits(model)
    before = taps.hidden(1).clone()
    depth = depth_of(model, "here")
    above = {name for part in (*depth.layers[2:], depth.head) for name in part}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in above:
                weight.add_(1.0)
    logits(model)
    torch.testing.assert_close(taps.hidden(1), before)


def test_relative_positions_are_below_the_layers_that_use_them():
    assert "mpnet.encoder.relative_attention_bias.weight" in depth_of(teacher("mpnet"), "here").embeddings


def test_frozen_modules_are_the_outermost():
    model = teacher("bert")
    for part in (model.bert.embeddings, model.bert.encoder.layer[0]):
        part.requires_grad_(False)
    model.bert.encoder.layer[1].attention.requires_grad_(False)
    found = frozen_modules(model)
    assert found == [model.bert.embeddings, model.bert.encoder.layer[0], model.bert.encoder.layer[1].attention]
