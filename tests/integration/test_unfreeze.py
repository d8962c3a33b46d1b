"""`freeze.unfreeze` by a recipe: what moves when, on one process and two, whole and cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import IterableDataset
from transformers import TrainerCallback

from hf_efficient import EfficientTrainer, Freeze, Peft
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.models.cached_prefix import CachedPrefix
from hf_efficient.recipe import Recipe
from hf_efficient.recipe.freeze import Unfreeze
from hf_efficient.training.explain import explain
from hf_efficient.training.finetune import finetune
from tests.processes import run_processes
from tests.runs import TEACHER, CutOffError, losses, smoke, train, weights
from tests.tiny import Case
from tests.trajectory import arguments

pytestmark = pytest.mark.usefixtures("own_cache")

NO_DROPOUT = {"model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}
ALL = {"freeze.layers": "all", "freeze.cache": False}


@pytest.fixture
def opened(monkeypatch) -> list[int]:
    """How many layers were looked up, each time a cache was opened."""
    found: list[int] = []
    really = CachedPrefix.open

    def watched(self, *args):
        found.append(len(self.prefix.layers))
        return really(self, *args)

    monkeypatch.setattr(CachedPrefix, "open", watched)
    return found


class Moves(TrainerCallback):
    """After each step, which parts of the model have moved in it, and which of them draw dropout."""

    def __init__(self) -> None:
        self.parts: list[set[str]] = []
        self.dropout: list[set[str]] = []
        self._before: dict[str, Any] = {}

    def on_step_begin(self, args, state, control, model=None, **kwargs):
        self._before = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    def on_step_end(self, args, state, control, model=None, **kwargs):
        moved = {name for name, weight in model.named_parameters() if not weight.equal(self._before[name])}
        self.parts.append({part(name) for name in moved})
        layers = model.bert.encoder.layer
        self.dropout.append({f"layer {n}" for n, layer in enumerate(layers) if layer.output.dropout.training})


def part(name: str) -> str:
    """Of the tiny BERT, where a parameter stands."""
    number = re.search(r"layer\.(\d+)\.", name)
    return f"layer {number[1]}" if number else "embeddings" if "embeddings" in name else "head"


def moves(recipe: Recipe, monkeypatch) -> Moves:
    """What moves in a run."""
    from tests import runs

    watch, build = Moves(), runs.build
    monkeypatch.setattr(runs, "build", lambda *args: build(*args).with_callback(watch))
    train(recipe)
    return watch


def test_parts_move_and_draw_dropout_from_their_turn_on(tmp_path, monkeypatch):
    settings = {**ALL, "freeze.unfreeze": {"every_steps": 2}, "training.max_steps": 8, "training.weight_decay": 0.1}
    found = moves(smoke(tmp_path / "run", settings), monkeypatch)
    above = [{"head"}, {"head", "layer 1"}, {"head", "layer 1", "layer 0"}]
    stages = [*above, above[-1] | {"embeddings"}]
    assert found.parts == [stage for stage in stages for _ in range(2)]
    layers = [set(), {"layer 1"}, {"layer 0", "layer 1"}, {"layer 0", "layer 1"}]
    assert found.dropout == [stage for stage in layers for _ in range(2)]


def test_by_epochs_and_several_at_a_time(tmp_path, monkeypatch):
    settings = {**ALL, "freeze.unfreeze": {"every_epochs": 1, "layers": 2}, "freeze.names": [r"layer[.]0[.]attention"]}
    found = moves(smoke(tmp_path / "run", settings), monkeypatch)
    both = {"head", "layer 0", "layer 1"}
    assert found.parts == [{"head"}] * 6 + [both] * 6 + [both | {"embeddings"}] * 6


def test_only_biases_thaw_where_only_biases_are_trained(tmp_path):
    settings = {**ALL, "freeze.unfreeze": {"every_steps": 2}, "freeze.train_only": ["bias", "head"]}
    recipe = smoke(tmp_path / "run", settings)
    train(recipe)
    found = weights(recipe)
    start = smoke(tmp_path / "start", {"training.max_steps": 1, "training.learning_rate": 1e-30})
    train(start)
    moved = {name for name, values in weights(start).items() if not np.array_equal(found[name], values)}
    expected = {name for name in found if name.endswith("bias") or part(name) == "head"}
    assert moved == expected


def test_until_the_first_turn_it_is_the_frozen_run(tmp_path):
    settings = {**ALL, **NO_DROPOUT, "training.max_steps": 6, "training.lr_scheduler_type": "constant"}
    frozen = losses(train(smoke(tmp_path / "frozen", settings)))
    thawed = losses(train(smoke(tmp_path / "thawed", {**settings, "freeze.unfreeze": {"every_steps": 3}})))
    assert thawed[:4] == frozen[:4]  # the fourth is computed before anything else has moved
    assert thawed[4] != pytest.approx(frozen[4], rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {**ALL, "freeze.unfreeze": {"every_epochs": 1}, "training.layerwise_lr_decay": 0.5},
        {"freeze.layers": 2, "freeze.cache": True, "freeze.unfreeze": {"every_steps": 6}},
    ],
)
def test_it_goes_on_bit_for_bit_wherever_it_was_cut_off(settings, tmp_path):
    """The turns come after steps 6 and 12."""
    settings = {**settings, "training.save_strategy": "steps", "training.save_steps": 1, "training.weight_decay": 0.1}
    whole = smoke(tmp_path / "whole", settings)
    expected = losses(train(whole))
    cut = smoke(tmp_path / "cut", settings)
    for at in (5, 6, 7, 13):
        with pytest.raises(CutOffError):
            train(cut, interrupt_at=at)
    resumed = train(cut)
    assert resumed.resumed_from_step == 13
    assert losses(resumed) == expected
    for name, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("settings", "depths"),
    [
        ({"freeze.unfreeze": {"every_steps": 5}}, [2, 1]),
        ({"freeze.unfreeze": {"every_epochs": 1}}, [2, 1]),  # asked for, though nothing is gained
        ({"freeze.unfreeze": {"every_epochs": 2}}, [2, 1]),
        ({"freeze.unfreeze": {"every_epochs": 2}, "freeze.cache": None}, [2, 1]),
        ({"freeze.unfreeze": {"every_epochs": 2, "layers": 2}}, [2]),
        ({"freeze.unfreeze": {"every_steps": 4}, "freeze.cache": None, "training.max_steps": 8}, [1]),
        ({"freeze.unfreeze": {"every_steps": 5}, "batching.padding": "bucketed", "distill.teacher": TEACHER}, [2, 1]),
        ({"freeze.unfreeze": {"every_steps": 3}, "training.gradient_accumulation_steps": 2}, [2, 1]),
    ],
)
def test_the_cache_follows_what_is_frozen(settings, depths, opened, tmp_path):
    settings = {"freeze.layers": 2, "freeze.cache": True, **settings}
    plain = losses(train(smoke(tmp_path / "plain", {**settings, "freeze.cache": False})))
    assert opened == []
    cached = train(smoke(tmp_path / "cached", settings))
    assert losses(cached) == pytest.approx(plain, rel=1e-5)
    assert opened == depths


def test_the_cache_is_off_where_it_does_not_pay(opened, tmp_path):
    train(smoke(tmp_path / "run", {"freeze.layers": 2, "freeze.unfreeze": {"every_steps": 4}}))
    assert opened == []


def _by_two(folder: str, settings: dict[str, Any], cut_at: int | None) -> list[float]:
    halves = {"training.per_device_train_batch_size": 4, "training.save_strategy": "steps", "training.save_steps": 1}
    recipe = smoke(Path(folder) / "two", {**settings, **halves})
    if cut_at is not None:
        with pytest.raises(CutOffError):
            train(recipe, interrupt_at=cut_at)
    return losses(train(recipe))


@pytest.mark.parametrize(
    ("settings", "cut_at"),
    [
        ({}, None),
        ({"training.activation_checkpointing": True, "training.gradient_accumulation_steps": 2}, None),
        ({"freeze.cache": True}, 4),
    ],
)
def test_two_processes_are_one(settings, cut_at, tmp_path):
    thaws = {"freeze.layers": "all", "freeze.cache": False, "freeze.unfreeze": {"every_steps": 2}, **settings}
    thaws = {**thaws, **NO_DROPOUT, "training.max_steps": 8}
    one = losses(train(smoke(tmp_path / "one", {**thaws, "freeze.cache": False})))
    found = run_processes(2, _by_two, str(tmp_path), thaws, cut_at)
    assert found[0] == pytest.approx(one, rel=1e-5)


def test_the_plan_of_thawing_is_said(tmp_path):
    recipe = smoke(tmp_path / "run", {**ALL, "freeze.unfreeze": {"every_epochs": 1}, "training.save_strategy": "no"})
    said = explain(recipe)
    outcome = finetune(recipe)
    sizes: dict[str, int] = {}
    for name, weight in outcome.model.named_parameters():
        sizes[part(name)] = sizes.get(part(name), 0) + weight.numel()
    head, layer = sizes["head"], sizes["head"] + sizes["layer 1"]
    everything = layer + sizes["layer 0"]
    assert said["notes"][1] == (
        f"parameters thaw from the top down: trained are {head:,} at first, {layer:,} after epoch 1 (layer 1), "
        f"{everything:,} after epoch 2 (layer 0); layer 0 is the lowest"
    )
    assert said["model"]["trainable_parameters"] == everything
    assert outcome.report["model"]["trainable_parameters"] == everything
    assert said["notes"][1] in outcome.report["notes"]


@pytest.mark.parametrize(
    ("settings", "turns"),
    [
        ({"freeze.unfreeze": {"every_steps": 9}}, ["step 9"]),  # of 18
        ({"freeze.unfreeze": {"every_steps": 9}, "batching.padding": "bucketed"}, ["step 9"]),
        ({"freeze.unfreeze": {"every_steps": 4}, "training.gradient_accumulation_steps": 2}, ["step 4", "step 8"]),
        ({"freeze.unfreeze": {"every_epochs": 1}, "training.max_steps": 13}, ["epoch 1", "epoch 2"]),  # 6 an epoch
        ({"freeze.unfreeze": {"every_epochs": 1}, "training.max_steps": 12}, ["epoch 1"]),
    ],
)
def test_turns_that_never_come_are_not_announced(settings, turns, tmp_path):
    _, note, *_ = explain(smoke(tmp_path / "run", {**ALL, **settings}))["notes"]
    assert re.findall(r"after (\w+ \d+)", note) == turns


def test_filling_a_cache_is_charged_and_said(tmp_path):
    settings = {"freeze.layers": 2, "freeze.cache": True, "freeze.unfreeze": {"every_steps": 6}}
    report = finetune(smoke(tmp_path / "cached", settings)).report["training"]
    assert report["cache_seconds"] > 0
    assert report["cache_cpu_seconds"] > 0
    assert report["cache_seconds"] < report["seconds"] < report["total_seconds"]
    without = finetune(smoke(tmp_path / "plain", {**settings, "freeze.cache": False})).report["training"]
    assert without["cache_seconds"] == without["cache_cpu_seconds"] == 0.0
    state = json.loads((tmp_path / "cached/checkpoints/checkpoint-18/trainer_state.json").read_text())
    kept = state["stateful_callbacks"]["Stopwatch"]["attributes"]
    assert kept["cache_seconds"] == report["cache_seconds"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze.unfreeze": {"every_epochs": 3}}, r"every_epochs can't take effect: the run ends after 3 epochs"),
        (
            {"freeze.unfreeze": {"every_steps": 6}, "training.max_steps": 6},
            r"every_steps can't take effect: the run ends after 6 steps",
        ),
        ({"freeze.unfreeze": {}}, "every_epochs or every_steps, one of them"),
        ({"freeze.unfreeze": {"every_epochs": 1, "every_steps": 1}}, "every_epochs or every_steps, one of them"),
        (
            {"freeze.unfreeze": {"every_epochs": 1}, "freeze.layers": None, "freeze.train_only": ["head"]},
            "unfreeze thaws what layers or embeddings freeze, and neither is set",
        ),
    ],
)
def test_words_that_can_not_take_effect_are_refused(settings, message, tmp_path):
    with pytest.raises(RecipeError, match=message):
        smoke(tmp_path / "run", {**ALL, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"freeze.unfreeze": {"every_steps": 18}},
        {"freeze.unfreeze": {"every_epochs": 1}, "training.max_steps": 6},
        {"freeze.unfreeze": {"every_epochs": 1}, "freeze.train_only": ["head"]},
    ],
)
def test_a_run_in_which_nothing_thaws_is_refused(settings, tmp_path):
    with pytest.raises(PlanError, match=r"freeze\.unfreeze can't take effect: .* before .* ends|ends before"):
        train(smoke(tmp_path / "run", {**ALL, **settings}))


class Endless(IterableDataset):
    def __iter__(self):
        yield from ()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([Peft(method="lora")], r"freeze\.unfreeze can't take effect: peft leaves the model's own"),
        ([], r"every_epochs can't take effect: the training rows have no known length"),
    ],
)
def test_a_trainer_refuses_what_can_not_take_effect(more, message, tmp_path):
    model = Case("bert", "single_label_classification").make_model()
    freeze = Freeze(layers=1, cache=False, unfreeze=Unfreeze(every_epochs=1))
    args = arguments(str(tmp_path), max_steps=9)
    with pytest.raises(PlanError, match=message):
        EfficientTrainer(model, args, train_dataset=Endless(), techniques=[freeze, *more])


def test_a_model_in_parts_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_efficient.techniques.freeze.unfreeze.is_sharded", lambda model: True)
    with pytest.raises(PlanError, match=r"freeze\.unfreeze can't take effect: the model is sharded over the processes"):
        train(smoke(tmp_path / "run", {**ALL, "freeze.unfreeze": {"every_steps": 2}}))
