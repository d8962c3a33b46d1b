"""Labellers that are functions."""

from __future__ import annotations

from functools import partial

from hf_efficient.experiments.active.labellers.functions import name_of


class Labeller:
    def __call__(self, texts):
        return texts


def label(texts):
    return texts


def test_whatever_can_be_called_has_a_name():
    assert name_of(label) == f"{__name__}:label"
    assert name_of(Labeller()) == f"{__name__}:Labeller"
    assert name_of(partial(label)) == "functools:partial"
