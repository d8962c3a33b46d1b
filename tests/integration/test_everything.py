"""`configs/everything.yaml`: every technique in one run, on one process and on two."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hf_efficient.training.finetune import finetune
from tests.processes import run_processes
from tests.runs import teacher

WITHOUT_DROPOUT = {"model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}


def everything(folder, model, settings):
    """The report of a run of the recipe, and its losses."""
    os.environ["HF_EFFICIENT_HOME"] = str(Path(folder) / "home")
    run = {"training.output_dir": f"{folder}/run", "training.logging_steps": 1, **settings}
    report = finetune("everything", {"model.name": model, "distill.teacher": model, **run}).report
    logs = [json.loads(line) for line in (Path(folder) / "run" / "log.jsonl").read_text().splitlines()]
    return report, [log["loss"] for log in logs if "loss" in log]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_processes(1, everything, str(tmp_path_factory.mktemp("one")), teacher(), WITHOUT_DROPOUT)[0]


def test_every_technique_takes_part(whole):
    report, losses = whole
    assert report["launch"]["world_size"] == 1
    assert report["training"]["steps"] == len(losses) >= 36
    assert 0 < report["model"]["trainable_parameters"] < report["model"]["parameters"]
    notes = " ".join(report["notes"])
    assert "layers 0, 1 of the teacher's 2" in notes
    assert "what leaves the 1 frozen layers is computed once" in notes


def test_two_processes_train_as_one(whole, tmp_path):
    report, losses = run_processes(2, everything, str(tmp_path), teacher(), WITHOUT_DROPOUT)[0]
    assert report["launch"]["world_size"] == 2
    assert losses == pytest.approx(whole[1], rel=1e-5)
