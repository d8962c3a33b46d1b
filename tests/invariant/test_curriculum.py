"""Curricula that must agree: interrupted or not, on one process and on two, scored anew or found on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hf_efficient.training.finetune import finetune
from tests.processes import run_processes
from tests.runs import CutOffError, losses, smoke, teacher, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")

STEADY = {"model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}
OF_TRAINING = {"curriculum.by": "el2n", "curriculum.end": 0.9}


def curriculum_of(recipe):
    """What the report says of the curriculum of a run, made or found."""
    return finetune(recipe).report["techniques"]["curriculum"]


@pytest.mark.parametrize("by", ["loss", "forgetting"])
def test_a_run_goes_on_with_the_ranks_of_the_epoch_it_was_cut_off_in(by, tmp_path):
    settings = {
        "curriculum.by": by,
        "curriculum.end": 0.9,
        "training.save_strategy": "steps",
        "training.save_steps": 2,
        "training.learning_rate": 1e-2,  # rows are learnt and forgotten
    }
    whole, cut = (smoke(tmp_path / name, settings) for name in ("whole", "cut"))
    expected = curriculum_of(whole)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=9)  # in the middle of the second of three epochs
    assert curriculum_of(cut) == expected
    assert expected["fed_as_meant"] is True
    assert [epoch["epoch"] for epoch in expected["epochs"]] == [1, 2, 3]
    for tensor, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[tensor], values, err_msg=tensor)


def in_processes(folder, settings):
    """The report of a run, and its losses."""
    os.environ["HF_EFFICIENT_HOME"] = str(Path(folder) / "home")
    report = finetune(smoke(Path(folder) / "run", settings)).report
    logs = [json.loads(line) for line in (Path(folder) / "run" / "log.jsonl").read_text().splitlines()]
    return report["techniques"]["curriculum"], [log["loss"] for log in logs if "loss" in log]


@pytest.mark.parametrize("padding", ["bucketed", "dynamic"])
def test_two_processes_train_as_one(padding, tmp_path):
    settings = {**STEADY, **OF_TRAINING, "batching.padding": padding}
    one, expected = run_processes(1, in_processes, str(tmp_path / "one"), settings)[0]
    halved = {**settings, "training.per_device_train_batch_size": 4}
    two, found = run_processes(2, in_processes, str(tmp_path / "two"), halved)[0]
    assert found == pytest.approx(expected, rel=1e-5)
    assert one["fed_as_meant"] is two["fed_as_meant"] is True
    assert [epoch["order"] for epoch in two["epochs"]] == [epoch["order"] for epoch in one["epochs"]]
    assert [len(epoch["fed"]) for epoch in two["epochs"]] == [2, 2, 2]


def test_scores_that_are_found_give_the_same_run(tmp_path):
    settings = {"curriculum": {"by": "margin", "brief": {"epochs": 1.5}}}
    runs = [finetune(smoke(tmp_path / name, settings)).report for name in ("first", "second")]
    first, second = (report["techniques"]["curriculum"] for report in runs)
    assert (first["scores_found"], second["scores_found"]) == (False, True)
    assert first["epochs"] == second["epochs"]
    assert first["scores"] == second["scores"]
    assert runs[0]["metrics"] == runs[1]["metrics"]
    assert runs[0]["training"]["train_loss"] == runs[1]["training"]["train_loss"]
    # The brief training is charged to the run that did it.
    assert runs[0]["training"]["cache_seconds"] >= first["scoring_seconds"] > 0
    assert runs[1]["training"]["cache_seconds"] < first["scoring_seconds"]
    # What it spent stands in the report of the run that found the scores, beside that run's own clock.
    told = [report["training"]["found_scores_cpu_seconds"] for report in runs]
    assert told == [None, first["scoring_cpu_seconds"]]
    assert "more in an earlier run" in (tmp_path / "second" / "report.md").read_text()


def test_the_control_has_the_same_pace_and_other_rows(tmp_path):
    settings = {"curriculum": {"by": "entropy", "reference": teacher()}}
    easy, control = (
        curriculum_of(smoke(tmp_path / order, {**settings, "curriculum.order": order}))
        for order in ("easy_first", "random")
    )
    assert [epoch["available"] for epoch in easy["epochs"]] == [epoch["available"] for epoch in control["epochs"]]
    assert easy["epochs"][0]["order"] != control["epochs"][0]["order"]
    assert control["scores"] is control["scoring_seconds"] is None
    assert len(easy["scores"]["hardest"]) == 5
    # Once all rows are available the order is that of any run.
    assert easy["epochs"][2]["order"] == control["epochs"][2]["order"]


def test_a_silent_shuffle_is_seen(tmp_path, monkeypatch):
    """A loader that takes other rows than the curriculum meant."""
    from hf_efficient.training.trainer import EfficientTrainer

    stock = EfficientTrainer._in_epoch

    def shuffled(self, sampler):
        sampler.order = None
        return stock(self, sampler)

    monkeypatch.setattr(EfficientTrainer, "_in_epoch", shuffled)
    found = curriculum_of(smoke(tmp_path / "run", {"curriculum.by": "length"}))
    assert found["fed_as_meant"] is False
    # From the third epoch on the order is that of any run.
    assert [epoch["as_meant"] for epoch in found["epochs"]] == [False, False, True]


def test_pruning_is_that_of_the_rows_alone(tmp_path):
    """What is kept by rarity trains as if there had been no others."""
    kept = finetune(smoke(tmp_path / "run", {"prune.by": "rarity", "prune.keep": 0.5, "prune.stratify": True})).report
    assert kept["data"]["rows"]["train"] == kept["techniques"]["prune"]["kept_rows"] == 24
    assert kept["techniques"]["prune"]["rows"] == 48
    random = train(smoke(tmp_path / "random", {"prune.by": "rarity", "prune.keep": 0.5, "prune.which": "random"}))
    assert len(losses(random)) == 9
