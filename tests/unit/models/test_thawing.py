"""Which parts of a model thaw together, and when."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hf_efficient.models.depth import Depth
from hf_efficient.models.thawing import Thawing, Turn, turns_of

DEPTH = Depth(("words",), (("a.weight", "a.bias"), ("b.weight",), ("c.weight",)), ("head",))


def test_the_uppermost_frozen_layer_is_first_and_the_embeddings_are_last():
    assert list(turns_of(DEPTH, 2, at_a_time=1, stays=())) == [
        Turn(("layer 1",), ("b.weight",)),
        Turn(("layer 0",), ("a.weight", "a.bias")),
        Turn(("the embeddings",), ("words",)),
    ]


def test_layers_thaw_together_and_what_stays_frozen_is_left_out():
    assert list(turns_of(DEPTH, 3, at_a_time=3, stays={"a.bias"})) == [
        Turn(("layer 2", "layer 1", "layer 0"), ("c.weight", "b.weight", "a.weight")),
        Turn(("the embeddings",), ("words",)),
    ]


TURNS = tuple(turns_of(DEPTH, 1, at_a_time=1, stays=()))


@pytest.mark.parametrize(
    ("thawing", "step", "epoch", "taken"),
    [
        (Thawing(TURNS, every_steps=5), 4, 0.8, 0),
        (Thawing(TURNS, every_steps=5), 5, 1.0, 1),
        (Thawing(TURNS, every_steps=5), 99, 20.0, 2),
        (Thawing(TURNS, every_epochs=2), 9, 1.9, 0),
        (Thawing(TURNS, every_epochs=2), 10, 2.0, 1),
        (Thawing(TURNS, every_epochs=2), 0, None, 0),
        (Thawing(), 10, 2.0, 0),
    ],
)
def test_turns_come_by_steps_or_epochs(thawing, step, epoch, taken):
    assert thawing.taken(SimpleNamespace(global_step=step, epoch=epoch)) == taken


def test_what_has_thawed_after_some_turns():
    assert Thawing(TURNS, every_steps=5).names(1) == {"a.weight", "a.bias"}


@pytest.mark.parametrize(
    ("thawing", "begins"),
    [
        (Thawing(TURNS, every_steps=9), True),
        (Thawing(TURNS, every_steps=10), False),
        (Thawing(TURNS, every_epochs=1), True),
        (Thawing(TURNS, every_epochs=2), False),
    ],
)
def test_whether_any_turn_comes(thawing, begins):
    assert thawing.begins(SimpleNamespace(max_steps=10, num_train_epochs=2)) is begins
