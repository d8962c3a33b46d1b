"""Micro-batches that are made to fit memory: the step stays the same, whatever is found and whatever happens."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from hf_efficient.cli import run as command
from hf_efficient.errors import PlanError
from hf_efficient.recipe import Recipe
from hf_efficient.training import batch_fit
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.explain import explain
from hf_efficient.training.run import make_trainer
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.trainer import EfficientTrainer
from tests.processes import ChildError, run_processes
from tests.runs import losses, smoke, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")

STEADY = {
    "training.precision": "fp32",
    "model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}
AUTO = {"training.per_device_train_batch_size": "auto", "training.effective_batch_size": 8}


def kept(folder: Path) -> int:
    return json.loads((folder / "micro_batch.json").read_text())["rows"]


def out_of_memory(rows: int, step: int, rank: str = "0"):
    """`compute_loss` that runs out of memory from a step on, for more than so many rows."""
    compute_loss = EfficientTrainer.compute_loss

    def limited(self, model, inputs, *args, **kwargs):
        crowded = model.training and self.state.global_step >= step and len(inputs["input_ids"]) > rows
        if crowded and os.environ.get("RANK", "0") == rank:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return compute_loss(self, model, inputs, *args, **kwargs)

    return limited


def test_where_all_fits_the_search_leaves_no_trace(tmp_path):
    found, given = smoke(tmp_path / "found", AUTO), smoke(tmp_path / "given", {})
    assert losses(train(found)) == losses(train(given))
    for name, values in weights(given).items():
        np.testing.assert_array_equal(weights(found)[name], values, err_msg=name)


def trial(tmp_path, **settings) -> EfficientTrainer:
    recipe = smoke(tmp_path / "trial", {**STEADY, **settings})
    directory = RunDirectory.of(recipe)
    args, _, scheduler = training_arguments(recipe, directory)
    return make_trainer(build(recipe, args, scheduler), directory)


def test_with_little_memory_rows_are_accumulated(tmp_path, monkeypatch):
    memory = batch_fit.step_memory(trial(tmp_path))
    monkeypatch.setattr(batch_fit, "free_memory", lambda: memory.needed(3) / batch_fit._SHARE_OF_FREE_MEMORY)
    whole = train(smoke(tmp_path / "whole", STEADY))
    found = train(smoke(tmp_path / "found", {**STEADY, **AUTO}))
    assert kept(tmp_path / "found") == 2  # of 1, 2, 4 and 8 rows
    assert losses(found) == pytest.approx(losses(whole), rel=1e-5)
    assert found.steps == whole.steps


def test_a_second_start_takes_what_the_first_has_found(tmp_path, monkeypatch):
    recipe = smoke(tmp_path / "run", {**STEADY, **AUTO})
    (tmp_path / "run").mkdir()
    batch_fit.MicroBatch(2, "found before", recipe.digest()).write(tmp_path / "run" / "micro_batch.json")
    monkeypatch.setattr(batch_fit, "step_memory", None)  # no search
    args, _, scheduler = training_arguments(recipe, RunDirectory.of(recipe))
    plan = batch_fit.divide_steps(recipe, build(recipe, args, scheduler), RunDirectory.of(recipe))
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 4)
    assert plan.notes[-1] == "2 rows a device × 4 accumulated × 1 make the 8 of a step: found before"


def test_not_even_one_row_fits(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_fit, "free_memory", lambda: 1000)
    with pytest.raises(PlanError, match=r"per_device_train_batch_size: not even one row fits .* set data.max_length"):
        train(smoke(tmp_path / "run", AUTO))


@pytest.mark.parametrize(("fits", "found"), [(100, True), (4, False)])
def test_a_gpu_is_tried(fits, found, tmp_path, monkeypatch):
    trainer = trial(tmp_path)
    monkeypatch.setattr(EfficientTrainer, "compute_loss", out_of_memory(rows=fits, step=0))
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    random = torch.get_rng_state()
    assert batch_fit.tried(trainer, 8) is found
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in trainer.model.state_dict().items())
    assert all(weight.grad is None for weight in trainer.model.parameters())


def test_an_error_that_is_not_of_memory_ends_the_trial(tmp_path, monkeypatch):
    def broken(self, *args, **kwargs):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(EfficientTrainer, "compute_loss", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        batch_fit.tried(trial(tmp_path), 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training.per_device_train_batch_size": 3}, "expected a divisor of the 8 rows .*, found 3; write 2 or auto"),
        ({"training.per_device_train_batch_size": 16}, "found 16; write 8 or auto"),
    ],
)
def test_rows_that_do_not_divide_are_refused(settings, message, tmp_path):
    with pytest.raises(PlanError, match=message):
        train(smoke(tmp_path / "run", {"training.effective_batch_size": 8, **settings}))


def test_accumulation_follows_from_the_rows_of_a_step(tmp_path):
    settings = {"training.effective_batch_size": 8, "training.per_device_train_batch_size": 2}
    followed = train(smoke(tmp_path / "followed", settings))
    written = train(
        smoke(
            tmp_path / "written",
            {"training.gradient_accumulation_steps": 4, "training.per_device_train_batch_size": 2},
        )
    )
    assert losses(followed) == losses(written)


def test_explain_says_what_would_be_found_and_leaves_nothing(tmp_path):
    facts = explain(smoke(tmp_path / "run", AUTO))
    assert facts["batch"]["per_device"] == 8
    assert any(note.startswith("8 rows a device × 1 accumulated") for note in facts["notes"])
    assert not (tmp_path / "run").exists()


def test_a_prediction_is_to_the_byte_what_the_tensors_of_a_pass_take(tmp_path):
    from hf_efficient.training import memory

    trainer = trial(tmp_path)
    assert memory.step_memory(trainer).activations(12) == max(memory._bytes_alive(trainer, 12))


def test_a_step_that_runs_out_of_memory_is_run_again_in_parts(tmp_path, monkeypatch):
    whole = train(smoke(tmp_path / "whole", STEADY))
    monkeypatch.setattr(EfficientTrainer, "compute_loss", out_of_memory(rows=3, step=2))
    split = train(smoke(tmp_path / "split", {**STEADY, **AUTO}))
    assert kept(tmp_path / "split") == 2  # 8 and 4 did not fit
    assert losses(split) == pytest.approx(losses(whole), rel=1e-5)


def test_without_auto_it_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(EfficientTrainer, "compute_loss", out_of_memory(rows=3, step=2))
    with pytest.raises(PlanError, match=r"out of memory; set training.per_device_train_batch_size: auto"):
        train(smoke(tmp_path / "run", STEADY))


def _two(folder: str, rows: int | None) -> dict:
    if rows is not None:
        EfficientTrainer.compute_loss = out_of_memory(rows, step=4, rank="1")
    settings = {**AUTO, "training.num_train_epochs": 1, "training.save_strategy": "steps", "training.save_steps": 2}
    words = [f"{key}={value}" for key, value in settings.items()]
    with redirect_stderr(StringIO()) as said:
        status = command(["finetune", "smoke", f"training.output_dir={folder}", *words])
    if status:
        (Path(folder) / f"said-{os.environ['RANK']}").write_text(f"{status}\n{said.getvalue()}")
        os._exit(status)  # as the launcher's child does: the others are not waited for
    return json.loads((Path(folder) / "report.json").read_text())


def test_several_processes_end_with_try_again_and_go_on_with_less(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ChildError, match="ended with 75"):
        run_processes(2, _two, str(folder), 2)
    survivor, crowded = ((folder / f"said-{rank}").read_text() for rank in range(2))
    assert survivor.startswith("75\n")
    assert "error: another process of this run has ended" in survivor
    assert crowded.startswith("75\n")
    assert "error: out of memory with 4 rows on this device; the same command goes on with 2 and as many" in crowded
    assert kept(folder) == 2
    for rank in range(2):
        (folder / f"said-{rank}").unlink()
    report = run_processes(2, _two, str(folder), None)[0]
    assert report["launch"]["world_size"] == 2
    assert report["training"]["resumed_from_step"] == 4
    assert report["training"]["effective_batch_size"] == 8
    assert report["training"]["steps"] == 6
    assert any(note.startswith("2 rows a device × 2 accumulated × 2 make the 8 of a step") for note in report["notes"])


def _indivisible(folder: str) -> str:
    try:
        train(Recipe.load("smoke", {"training.effective_batch_size": 9, "training.output_dir": folder}))
    except PlanError as error:
        return str(error)
    return ""


def test_rows_that_can_not_be_dealt_out_evenly_are_refused(tmp_path):
    for said in run_processes(2, _indivisible, str(tmp_path / "run")):
        assert "training.effective_batch_size: expected a multiple of the 2 processes, found 9; write 8 or 10" in said
