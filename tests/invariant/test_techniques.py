"""What every row of the technique table must do."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hf_efficient.errors import HfEfficientError
from hf_efficient.techniques import TECHNIQUES
from tests.runs import CutOffError, losses, smoke, train, weights
from tests.technique_table import TABLE

EPOCH = 6
"""Optimizer steps of an epoch without accumulation."""


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def plain_losses(tmp_path_factory):
    return losses(train(smoke(tmp_path_factory.mktemp("plain"), {})))


def test_every_technique_has_a_row():
    sections = {key.split(".")[0] for row in TABLE.values() for key in row.settings}
    fields = {section.__name__: section for section in TECHNIQUES}
    assert {"Augment", "Batching", "Curriculum", "Distill", "EarlyStopping", "Freeze", "Peft", "Prune"} == set(fields)
    assert {"augment", "batching", "curriculum", "distill", "early_stopping", "freeze", "peft", "prune"} <= sections


@pytest.mark.parametrize("name", TABLE)
def test_it_trains(name, tmp_path):
    trained = train(smoke(tmp_path / "run", TABLE[name].settings))
    assert trained.steps > 0
    assert all(np.isfinite(losses(trained)))


@pytest.mark.parametrize("name", TABLE)
def test_it_resumes_bit_for_bit(name, tmp_path):
    """Checkpoints every two steps, so that the run is cut off within an epoch; dropout is on."""
    settings = {
        **TABLE[name].settings,
        "training.save_strategy": "steps",
        "training.save_steps": 2,
        "training.eval_strategy": "steps",
        "training.eval_steps": 2,
    }
    whole = smoke(tmp_path / "whole", settings)
    expected = train(whole)
    cut = smoke(tmp_path / "cut", settings)
    at = min(5, expected.steps - 1)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=at)
    resumed = train(cut)
    assert resumed.resumed_from_step == at // 2 * 2
    assert resumed.steps == expected.steps
    assert resumed.metrics == expected.metrics
    for tensor, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[tensor], values, err_msg=tensor)


PAIRS = list(combinations([name for name in TABLE if name != "plain"], 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_trains(first, second, tmp_path):
    if TABLE[first].same_slot is not None and TABLE[first].same_slot == TABLE[second].same_slot:
        assert set(TABLE[first].settings) & set(TABLE[second].settings), "a mapping can hold only one of them"
        return
    settings = {"training.num_train_epochs": 1, **TABLE[first].settings, **TABLE[second].settings}
    reason = TABLE[first].refused_with.get(second) or TABLE[second].refused_with.get(first)
    if reason is not None:
        with pytest.raises(HfEfficientError, match=reason):
            train(smoke(tmp_path / "run", settings))
        return
    trained = train(smoke(tmp_path / "run", settings))
    assert trained.steps > 0
    assert all(np.isfinite(losses(trained)))


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.neutral is not None])
def test_its_neutral_setting_gives_the_plain_run(name, plain_losses, tmp_path):
    trained = train(smoke(tmp_path / "run", TABLE[name].neutral))
    assert losses(trained) == pytest.approx(plain_losses, rel=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "curriculum",
        "distill",
        "distill_features",
        "distill_projection",
        "frozen",
        "prefix_cache",
        "unfrozen",
        "bitfit",
        "lora",
        "prompt_tuning",
        "layerwise",
        "label_smoothing",
        "class_weights",
        "bf16",
        "one_cycle",
        "step_decay",
    ],
)
def test_its_setting_changes_the_run(name, plain_losses, tmp_path):
    trained = train(smoke(tmp_path / "run", TABLE[name].settings))
    assert losses(trained) != pytest.approx(plain_losses, rel=1e-6)
