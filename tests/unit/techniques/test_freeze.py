from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from hf_efficient.errors import PlanError
from hf_efficient.models.prefix import frozen_depth
from hf_efficient.plan import Plan
from hf_efficient.recipe import Freeze
from hf_efficient.techniques import freeze
from tests.unit.models.test_student import IDS, teacher


def trained(**wish) -> set[str]:
    model = freeze.apply(Plan(model=teacher("bert")), Freeze(**wish)).model
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


EVERYTHING = {name for name, _ in teacher("bert").named_parameters()}
HEAD = {"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"}


def test_the_lowest_layers_and_what_is_below_them():
    left = trained(layers=3)
    assert left == HEAD | {name for name in EVERYTHING if ".layer.3." in name}


def test_the_head_alone():
    assert trained(layers="all") == HEAD


def test_embeddings():
    assert EVERYTHING - trained(embeddings=True) == {name for name in EVERYTHING if "embeddings" in name}


def test_names_by_pattern():
    assert EVERYTHING - trained(names=(r"layer[.][02][.]", "pooler")) == {
        name for name in EVERYTHING if ".layer.0." in name or ".layer.2." in name or "pooler" in name
    }


def test_bitfit_trains_biases_and_the_head():
    assert trained(train_only=("bias", "head")) == HEAD | {name for name in EVERYTHING if name.endswith("bias")}


def test_norms():
    assert trained(train_only=("norm",)) == {name for name in EVERYTHING if "LayerNorm" in name}


def test_both_together_leave_what_both_leave():
    assert trained(layers=3, train_only=("bias",)) == {name for name in trained(layers=3) if name.endswith("bias")}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"layers": 5}, "freeze.layers: expected at most 4, the model's layers, found 5"),
        ({"names": ("nowhere",)}, "freeze.names: 'nowhere' matches no parameter; they are named like bert.embeddings"),
        ({"names": ("(",)}, r"freeze.names: '\(' is no regular expression"),
        ({"names": (".",)}, "freeze leaves nothing to be trained"),
    ],
)
def test_what_can_not_take_effect_is_refused(wish, message):
    with pytest.raises(PlanError, match=message):
        trained(**wish)


@pytest.mark.parametrize("wish", [{}, {"layers": 0}, {"embeddings": False}, {"train_only": ("weights",)}])
def test_a_section_that_freezes_nothing_is_refused(wish):
    with pytest.raises(ValidationError):
        Freeze(**wish)


def test_frozen_layers_draw_no_dropout_and_the_others_do():
    model = teacher("bert")
    seen = []
    for number in (1, 2):
        model.bert.encoder.layer[number].register_forward_hook(lambda m, i, output: seen.append(output[0].clone()))
    freeze.apply(Plan(model=model), Freeze(layers=2))
    for _ in range(2):
        model.train()
        model(input_ids=IDS)
    torch.testing.assert_close(seen[0], seen[2], rtol=0, atol=0)
    assert not torch.equal(seen[1], seen[3])


@pytest.mark.parametrize(
    ("wish", "depth"),
    [
        ({"layers": 3}, 3),
        ({"layers": "all"}, 4),
        ({"embeddings": True}, 0),
        ({"layers": 2, "train_only": ("bias",)}, 2),
        ({"train_only": ("bias",)}, 0),
        ({"names": (r"layer[.][012][.]",)}, 0),
        ({"embeddings": True, "names": (r"layer[.][013][.]",)}, 2),
    ],
)
def test_how_deep_a_model_is_frozen_from_below(wish, depth):
    model = freeze.apply(Plan(model=teacher("bert")), Freeze(**wish)).model
    assert frozen_depth(model, "here") == depth
