"""What every row of the technique table must do."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hf_efficient.errors import HfEfficientError
from hf_efficient.recipe.augment_texts import BY_MODELS
from hf_efficient.techniques import TECHNIQUES
from tests.runs import CutOffError, losses, smoke, train, weights
from tests.technique_table import TABLE


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Where all tests keep the views that models make."""
    return tmp_path_factory.mktemp("views")


@pytest.fixture(autouse=True)
def _cache(views, tmp_path, monkeypatch):
    """A cache of its own for each test, save for those views."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "views").symlink_to(views)
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def plain_losses(tmp_path_factory):
    return losses(train(smoke(tmp_path_factory.mktemp("plain"), {})))


def test_every_technique_has_a_row():
    of_all = set().union(*map(sections, TABLE))
    fields = {section.__name__: section for section in TECHNIQUES}
    assert {"Augment", "Batching", "Curriculum", "Distill", "EarlyStopping", "Freeze", "Peft", "Prune"} == set(fields)
    assert {"augment", "batching", "curriculum", "distill", "early_stopping", "freeze", "peft", "prune"} <= of_all
    ways = {key.split(".")[1] for row in TABLE.values() for key in row.settings if key.startswith("augment.")}
    assert {*BY_MODELS, "keep_label", "consistency"} <= ways


def sections(name):
    return {key.split(".")[0] for key in TABLE[name].settings}


def test_rows_that_are_not_tried_with_all_are_tried_with_each_section():
    everything = set().union(*map(sections, TABLE))
    for name, row in TABLE.items():
        if row.beside is not None:
            assert set().union(*map(sections, row.beside)) == everything - sections(name)


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


def tried_together(first, second):
    rows = TABLE[first], TABLE[second]
    if rows[0].same_slot is not None and rows[0].same_slot == rows[1].same_slot:
        return False
    return all(row.beside is None or other in row.beside for row, other in zip(rows, (second, first), strict=True))


PAIRS = [pair for pair in combinations([name for name in TABLE if name != "plain"], 2) if tried_together(*pair)]


def test_rows_of_one_slot_set_one_section():
    for slot in {row.same_slot for row in TABLE.values()} - {None}:
        of_slot = [sections(name) for name, row in TABLE.items() if row.same_slot == slot]
        assert len(of_slot) > 1
        assert set.intersection(*of_slot), slot


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_trains(first, second, tmp_path):
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
        "contextual",
        "back_translation",
        "paraphrase",
        "distill",
        "distill_features",
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
    found = losses(train(smoke(tmp_path / "run", TABLE[name].settings)))
    assert len(found) == len(plain_losses)
    assert found != pytest.approx(plain_losses, rel=1e-6)
