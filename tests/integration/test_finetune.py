"""A fine-tune as a user has it, from the recipe to the run directory, whole and interrupted."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers
from datasets import Dataset, DatasetDict
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback

from hf_efficient import Recipe, finetune
from hf_efficient.errors import RunDirectoryError
from hf_efficient.recipe.schedules import SCHEDULES
from hf_efficient.training import finetune as finetune_module
from hf_efficient.training import run as run_module
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.run_directory import RunDirectory
from hf_efficient.training.trainer import EfficientTrainer
from tests.integration.command_line import CLASSES, CommandLine, sentences, write_rows

EPOCHS = "training.num_train_epochs={}".format
DYNAMIC = "batching.padding=dynamic"


@pytest.fixture
def trains(command_line):
    """A function that runs a command which must train to its end, without a word of complaint."""

    def trains(*settings):
        ending = command_line.finetune(*settings)
        assert (ending.status, ending.said) == (0, [])
        return ending

    return trains


@pytest.fixture
def another(tmp_path_factory, capsys):
    """A function that makes one more command line, in another folder."""
    return lambda: CommandLine(tmp_path_factory.mktemp("another"), capsys)


# What a run leaves behind.


def test_a_run_directory_has_exactly_its_documented_parts(command_line, trains):
    trains()
    run = command_line.run_directory
    assert sorted(path.name for path in run.iterdir()) == [
        "README.md",
        "checkpoints",
        "data_files.json",
        "log.jsonl",
        "model",
        "recipe.yaml",
        "report.json",
        "report.md",
    ]
    assert sorted(path.name for path in (run / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["checkpoint-5"]


def test_the_model_loads_with_plain_transformers(command_line, trains):
    trains()
    model = AutoModelForSequenceClassification.from_pretrained(command_line.run_directory / "model")
    tokenizer = AutoTokenizer.from_pretrained(command_line.run_directory / "model")
    assert model.config.id2label == dict(enumerate(CLASSES))
    assert model.config.label2id == {"cooking": 0, "sailing": 1}
    assert model(**tokenizer("stir the soup", return_tensors="pt")).logits.shape == (1, 2)


def test_the_resolved_recipe_loads_back_with_its_sources(command_line, trains):
    trains("training.seed=7")
    text = (command_line.run_directory / "recipe.yaml").read_text()
    [seed] = [line for line in text.splitlines() if line.strip().startswith("seed: 7")]
    [rate] = [line for line in text.splitlines() if line.strip().startswith("learning_rate:")]
    assert seed.endswith("# command line")
    assert rate.endswith("# recipe.yaml:10")
    assert Recipe.load(command_line.run_directory / "recipe.yaml") == Recipe.load(
        command_line.recipe(), ["training.seed=7"]
    )


def test_the_log_and_the_report_tell_what_happened(command_line, trains):
    ending = trains(EPOCHS(2))
    assert [record["step"] for record in command_line.log if "loss" in record] == list(range(1, 11))
    assert [record["epoch"] for record in command_line.log if "eval_loss" in record] == [1.0, 2.0]
    report = command_line.report
    assert report["data"]["rows"] == {"train": 18, "validation": 2}
    assert (report["training"]["steps"], report["training"]["effective_batch_size"]) == (10, 4)
    assert report["metrics"]["validation"]["accuracy"] in (0.0, 0.5, 1.0)
    assert f"{report['metrics']['validation']['accuracy']:.4f} validation" in ending.out
    assert str(command_line.run_directory) in ending.out
    for name in ("report.md", "README.md"):
        assert "demo/tiny-bert" in (command_line.run_directory / name).read_text()


# A second run into the same directory.


def test_a_finished_run_prints_its_table_again_and_trains_nothing(command_line, trains):
    first = trains()
    files = [path for path in command_line.run_directory.rglob("*") if path.is_file()]
    times = {path: path.stat().st_mtime_ns for path in files}
    assert trains().out == first.out
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_another_recipe_is_refused_and_the_difference_named(command_line, trains):
    trains()
    before = command_line.weights
    ending = command_line.finetune("training.seed=1")
    assert ending.status == 1
    assert ending.said == [
        f"error: {command_line.run_directory} holds a run of another recipe: training.seed: 42 here, 1 there. "
        "Choose another training.output_dir, or give the earlier settings to go on with it."
    ]
    assert command_line.weights == before


def test_how_a_run_is_watched_makes_no_other_recipe(command_line, trains):
    trains()
    trains("training.logging_steps=3")


# Interrupted runs.

INTERRUPTED = "error: interrupted; the same command goes on from the newest checkpoint"


class _Cut(TrainerCallback):
    """Presses Ctrl-C at an event after a number of steps."""

    def __init__(self, event, step):
        self.step = step
        setattr(self, event, self._cut)

    def _cut(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def cut(monkeypatch):
    """A function that runs a command line until it is interrupted."""

    def cut(command_line, event, step, *settings):
        make_trainer = run_module.make_trainer

        def make(plan, directory):
            return make_trainer(plan.with_callback(_Cut(event, step)), directory)

        with monkeypatch.context() as patch:
            patch.setattr(run_module, "make_trainer", make)
            ending = command_line.finetune(*settings)
        assert (ending.status, ending.said) == (130, [INTERRUPTED])

    return cut


def _facts(log):
    """A log without what depends on the clock or on where the run began."""
    timed = ("runtime", "per_second", "train_loss", "total_flos")
    return [{key: value for key, value in record.items() if not key.endswith(timed)} for record in log]


BY_STEPS = ("training.save_strategy=steps", "training.save_steps=1")


@pytest.mark.parametrize(
    ("settings", "cuts"),
    [
        ((), {("on_step_begin", 3): None, ("on_step_end", 9): 5, ("on_save", 10): 10}),
        (BY_STEPS, {("on_step_begin", 3): 3, ("on_step_begin", 5): 5, ("on_step_end", 7): 6}),
        (
            (*BY_STEPS, "training.gradient_accumulation_steps=2"),
            {("on_step_begin", 2): 2, ("on_step_begin", 3): 3, ("on_save", 6): 6},
        ),
        (("training.load_best_model_at_end=true", "training.learning_rate=0.05"), {("on_step_begin", 6): 5}),
    ],
    ids=["by epochs", "by steps", "accumulated", "best"],
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(settings, cuts, command_line, trains, another, cut):
    settings = (EPOCHS(2), *settings)
    trains(*settings)
    for (event, step), resumed_from in cuts.items():
        second = another()
        write_rows(second.folder / "rows.csv", sentences(20))
        cut(second, event, step, *settings)
        assert second.finetune(*settings).status == 0
        assert second.report["training"]["resumed_from_step"] == resumed_from
        assert second.weights == command_line.weights
        assert second.report["metrics"] == command_line.report["metrics"]
        assert second.report["training"]["best_step"] == command_line.report["training"]["best_step"]
        assert _facts(second.log) == _facts(command_line.log)


@pytest.mark.parametrize("last", ["save_model", "write_reports"])
def test_a_run_interrupted_after_training_only_finishes(last, command_line, trains, another, monkeypatch):
    trains()
    second = another()
    module = run_module if last == "save_model" else finetune_module
    with monkeypatch.context() as patch:
        patch.setattr(module, last, _interrupt)
        assert second.finetune().status == 130
    assert second.finetune().status == 0
    assert second.weights == command_line.weights
    assert second.report["metrics"] == command_line.report["metrics"]
    # Of the first part's training loss nothing is known any more.
    assert second.report["training"]["train_loss"] is None
    assert command_line.report["training"]["train_loss"] == pytest.approx(sum(command_line.losses) / 5)


def _interrupt(*arguments, **settings):
    raise KeyboardInterrupt


def test_a_checkpoint_that_was_cut_off_gives_way_to_the_one_before(command_line, trains, another, cut):
    trains(EPOCHS(3))
    second = another()
    cut(second, "on_step_begin", 12, EPOCHS(3))
    newest = second.run_directory / "checkpoints" / "checkpoint-10" / "optimizer.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    assert second.finetune(EPOCHS(3)).status == 0
    assert second.weights == command_line.weights
    assert second.report["training"]["resumed_from_step"] == 5
    said = "checkpoint-10 was left incomplete (optimizer.pt is cut off) and has been removed"
    assert said in second.report["notes"]
    assert said in (second.run_directory / "report.md").read_text()


def test_a_run_interrupted_while_it_writes_a_checkpoint_goes_on(command_line, trains, another, monkeypatch):
    trains(EPOCHS(2))
    second = another()
    with monkeypatch.context() as patch:
        patch.setattr(EfficientTrainer, "_save_rng_state", _interrupt)
        assert second.finetune(EPOCHS(2)).status == 130
    assert second.finetune(EPOCHS(2)).status == 0
    assert second.weights == command_line.weights
    assert "checkpoint-5 was left incomplete" in second.report["notes"][-2]


def test_checkpoints_of_the_model_alone_are_kept_and_not_resumed(command_line, cut):
    settings = (EPOCHS(2), "training.save_only_model=true")
    cut(command_line, "on_step_begin", 7, *settings)
    ending = command_line.finetune(*settings)
    assert ending.status == 1
    assert ending.said == [
        f"error: {command_line.run_directory} holds an interrupted run that can't go on: with training.save_only_model "
        "its checkpoints have no optimizer; choose another training.output_dir."
    ]
    assert (command_line.run_directory / "checkpoints" / "checkpoint-5" / "model.safetensors").is_file()


def test_a_named_checkpoint_of_the_stock_trainer_is_taken_on(command_line, trains, another, tmp_path):
    trains(EPOCHS(2), DYNAMIC)
    second = another()
    recipe = Recipe.load(second.recipe(), [EPOCHS(2), DYNAMIC])
    args, _, _ = training_arguments(recipe, RunDirectory(tmp_path / "stock"))
    plan = build(recipe, args)
    stock = transformers.Trainer(
        plan.model,
        args,
        plan.data_collator,
        plan.train_dataset,
        plan.eval_dataset,
        callbacks=[_Cut("on_step_begin", 7)],
    )
    stock.remove_callback(transformers.PrinterCallback)
    with pytest.raises(KeyboardInterrupt):
        stock.train()
    checkpoint = tmp_path / "stock" / "checkpoints" / "checkpoint-5"
    settings = (EPOCHS(2), DYNAMIC, f"training.resume_from_checkpoint={checkpoint}")

    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    (broken / "scheduler.pt").unlink()
    ending = second.finetune(EPOCHS(2), DYNAMIC, f"training.resume_from_checkpoint={broken}")
    assert ending.status == 1
    assert ending.said == [
        f"error: command line: training.resume_from_checkpoint: {broken} is not a whole checkpoint: "
        "scheduler.pt is missing."
    ]

    assert second.finetune(*settings).status == 0
    assert second.report["training"]["resumed_from_step"] == 5
    assert second.losses == pytest.approx(command_line.losses[5:], rel=1e-5)
    # Nobody timed the stock Trainer's steps.
    assert second.report["training"]["rows_per_second"] is None
    assert command_line.report["training"]["rows_per_second"] > 0


# Data.


def test_test_rows_are_scored_once_and_last(command_line, monkeypatch):
    for split, count in (("train", 20), ("validation", 4), ("test", 6)):
        write_rows(command_line.folder / "data" / f"{split}.csv", sentences(count))
    scored = []
    loop = EfficientTrainer.evaluation_loop

    def recording(self, dataloader, *arguments, **settings):
        scored.append((self.state.global_step, len(dataloader.dataset)))
        return loop(self, dataloader, *arguments, **settings)

    monkeypatch.setattr(EfficientTrainer, "evaluation_loop", recording)
    ending = command_line.finetune(EPOCHS(2), "data.train=", f"data.name={command_line.folder}/data")
    assert ending.status == 0
    assert scored == [(5, 4), (10, 4), (10, 6)]
    assert command_line.report["data"]["rows"] == {"train": 20, "validation": 4, "test": 6}
    assert " test" in ending.out


@pytest.fixture
def write_as(command_line):
    """A function that writes rows in a format, and gives the settings that read them."""

    def write_as(form):
        folder, rows = command_line.folder, sentences(20)
        if form in ("csv", "tsv", "jsonl"):
            return (f"data.train={write_rows(folder / f'mine.{form}', rows)}",)
        if form == "parquet":
            Dataset.from_list(rows).to_parquet(folder / "mine.parquet")
            return (f"data.train={folder}/mine.parquet",)
        if form == "saved":
            DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(folder / "mine")
        else:
            write_rows(folder / "mine" / "train.csv", rows)
        return ("data.train=", f"data.name={folder}/mine")

    return write_as


@pytest.fixture(scope="module")
def plain_losses(tmp_path_factory):
    """The losses of a plain run over `sentences(20)`."""
    folder = tmp_path_factory.mktemp("plain")
    plain = CommandLine(folder, None)
    words = {"training.output_dir": str(folder / "run")}
    finetune(plain.recipe(), words)
    return plain.losses


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "directory", "saved"])
def test_the_same_rows_in_any_format_train_alike(form, write_as, command_line, trains, plain_losses):
    trains(*write_as(form))
    assert command_line.losses == plain_losses


@pytest.mark.parametrize(
    ("columns", "settings", "problem", "labels"),
    [
        ({"label": ["no", "yes"]}, (), "single_label", ["no", "yes"]),
        ({"label": ["b", "c", "a"]}, (), "single_label", ["a", "b", "c"]),
        ({"label": [10, 2, 5]}, (), "single_label", ["2", "5", "10"]),
        ({"label": [True, False]}, (), "single_label", ["False", "True"]),
        ({"label": [0, 1]}, ("task.labels=[cold, warm]",), "single_label", ["cold", "warm"]),
        ({"label": [0.5, 1.5, -2.25]}, (), "regression", []),
        ({"label": [1, 4, 2]}, ("task.problem=regression",), "regression", []),
        ({"label": [["a"], ["a", "b"], []]}, (), "multi_label", ["a", "b"]),
        ({"hot": [0, 1], "wet": [1, 1, 0]}, ("data.columns.label=[hot, wet]",), "multi_label", ["hot", "wet"]),
    ],
    ids=["text", "three", "gaps", "bool", "named", "float", "whole numbers", "lists", "columns"],
)
def test_every_kind_of_label(columns, settings, problem, labels, command_line, trains):
    rows = [
        {"text": row["text"], **{name: values[number % len(values)] for name, values in columns.items()}}
        for number, row in enumerate(sentences(24))
    ]
    path = command_line.rows("mine.jsonl", rows)
    trains(f"data.train={path}", *settings)
    assert command_line.report["task"] == {"type": "text-classification", "problem": problem, "labels": labels}
    model = AutoModelForSequenceClassification.from_pretrained(command_line.run_directory / "model")
    assert model.config.problem_type.startswith(problem)
    assert model.config.num_labels == (len(labels) or 1)
    if labels:
        assert list(model.config.id2label.values()) == labels


def test_a_pair_of_texts_is_read_with_its_second(command_line, trains, another):
    def rows(second):
        return [
            {"premise": row["text"], "hypothesis": f"{second} {number}", "label": row["label"]}
            for number, row in enumerate(sentences(20))
        ]

    pair = ("data.columns.text=premise", "data.columns.text_pair=hypothesis")
    trains(f"data.train={command_line.rows('mine.csv', rows('so'))}", *pair)
    other = another()
    assert other.finetune(f"data.train={other.rows('mine.csv', rows('not'))}", *pair).status == 0
    assert command_line.losses != other.losses


# Losses.


def test_balanced_class_weights_are_those_that_one_would_name(command_line, trains, another, plain_losses):
    rows = [{**row, "label": CLASSES[number % 3 == 0]} for number, row in enumerate(sentences(30))]
    # 27 training rows, 18 of cooking and 9 of sailing: 27 / (2 * 18) = 0.75 and 27 / (2 * 9) = 1.5.
    path = command_line.rows("mine.csv", rows)
    trains(f"data.train={path}", "task.class_weights=balanced")
    named, unweighted = another(), another()
    assert named.finetune(f"data.train={path}", "task.class_weights={cooking: 1, sailing: 2}").status == 0
    assert unweighted.finetune(f"data.train={path}").status == 0
    assert command_line.losses == named.losses
    assert command_line.losses != unweighted.losses


def test_sample_weights_of_one_change_nothing_and_others_do(command_line, trains, another, plain_losses):
    def settings(line, weights):
        rows = [{**row, "weight": weights[number % 2]} for number, row in enumerate(sentences(20))]
        return f"data.train={line.rows('mine.csv', rows)}", "data.columns.weight=weight"

    trains(*settings(command_line, (1.0, 1.0)))
    assert command_line.losses == plain_losses
    other = another()
    assert other.finetune(*settings(other, (0.0, 3.0))).status == 0
    assert other.losses[0] != plain_losses[0]


def test_label_smoothing_takes_effect(command_line, trains, plain_losses):
    trains("training.label_smoothing_factor=0.4")
    assert command_line.losses[0] != plain_losses[0]
    assert command_line.losses[0] == pytest.approx(plain_losses[0], rel=0.05)


# The training room.

REQUIRED = {
    "cosine_with_min_lr": "min_lr_rate: 0.1",
    "cosine_warmup_with_min_lr": "min_lr_rate: 0.1",
    "warmup_stable_decay": "num_decay_steps: 2",
}
RATES = {
    "constant": [1e-3] * 5,
    "linear": [1e-3, 8e-4, 6e-4, 4e-4, 2e-4],
    "polynomial": [1e-3, 8.0002e-4, 6.0004e-4, 4.0006e-4, 2.0008e-4],
    "step": [1e-3, 1e-3, 1e-4, 1e-4, 1e-5],
    "constant_with_warmup": [1e-3] * 5,
}
"""Rates of five steps from 1e-3; stairs of 5/3, rounded up to two steps."""


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_runs(name, command_line, trains):
    kwargs = (f"training.lr_scheduler_kwargs={{{REQUIRED[name]}}}",) if name in REQUIRED else ()
    trains(f"training.lr_scheduler_type={name}", *kwargs)
    rates = [record["learning_rate"] for record in command_line.log if "loss" in record]
    assert len(rates) == 5
    assert max(rates) <= 1e-3 + 1e-12
    if name in RATES:
        assert rates == pytest.approx(RATES[name])


def test_activation_checkpointing_gives_the_same_losses(command_line, trains, plain_losses):
    trains("training.activation_checkpointing=true")
    assert command_line.losses == plain_losses


def test_deterministic_runs_use_only_deterministic_kernels(command_line, trains, plain_losses, monkeypatch):
    for name in ("CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG", "ASCEND_LAUNCH_BLOCKING", "HCCL_DETERMINISTIC"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("FLASH_ATTENTION_DETERMINISTIC", "")
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    try:
        trains("training.deterministic=true")
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert command_line.losses == plain_losses


def test_the_best_model_is_the_one_that_is_saved(command_line, trains):
    trains(EPOCHS(3), DYNAMIC, "training.load_best_model_at_end=true", "training.learning_rate=0.05")
    losses = {record["step"]: record["eval_loss"] for record in command_line.log if "eval_loss" in record}
    best = min(losses, key=losses.get)
    assert best != 15
    assert command_line.report["training"]["best_step"] == best
    assert command_line.report["metrics"]["validation"]["loss"] == losses[best]
    checkpoint = command_line.run_directory / "checkpoints" / f"checkpoint-{best}"
    saved, kept = (
        AutoModelForSequenceClassification.from_pretrained(path).state_dict()
        for path in (command_line.run_directory / "model", checkpoint)
    )
    assert all(torch.equal(saved[name], kept[name]) for name in kept)


FLAT = (EPOCHS(9), "training.learning_rate=0", "training.metric_for_best_model=loss")
"""The validation loss never changes: the first evaluation stays the best."""
EVERY_2 = ("training.eval_strategy=steps", "training.eval_steps=2")


@pytest.mark.parametrize(
    ("patience", "steps"),
    [
        (("early_stopping.patience_evaluations=2",), 15),
        (("early_stopping.patience_epochs=2",), 15),
        # Evaluations at epochs 0.4, 0.8, 1.2 and 1.6.
        ((*EVERY_2, "early_stopping.patience_evaluations=2"), 6),
        ((*EVERY_2, "early_stopping.patience_epochs=1"), 8),
    ],
)
def test_early_stopping_waits_as_long_as_it_says(patience, steps, command_line, trains):
    trains(*FLAT, *patience)
    assert command_line.report["training"]["steps"] == steps
    assert command_line.report["training"]["stopped_early"] is True


@pytest.mark.parametrize("patience", ["evaluations", "epochs"])
def test_early_stopping_resumes_with_the_patience_that_is_left(patience, command_line, trains, cut):
    settings = (*FLAT, f"early_stopping.patience_{patience}=3")
    cut(command_line, "on_step_begin", 12, *settings)
    trains(*settings)
    assert command_line.report["training"]["resumed_from_step"] == 10
    assert command_line.report["training"]["steps"] == 20


# From Python.


def test_live_objects_stand_in_for_what_the_recipe_names(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    config = transformers.BertConfig(
        vocab_size=384,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: index for index, name in enumerate(CLASSES)},
    )
    model = transformers.BertForSequenceClassification(config)
    before = model.classifier.weight.detach().clone()
    tokenizer = AutoTokenizer.from_pretrained(_tiny_bert())
    words = {"training": {"output_dir": str(tmp_path / "run"), "num_train_epochs": 1, "learning_rate": 1e-3}}
    live = {
        "model": model,
        "train_dataset": Dataset.from_list(sentences(16)),
        "eval_dataset": Dataset.from_list(sentences(6)),
        "processing_class": tokenizer,
    }
    outcome = finetune(words, **live)
    assert outcome.model is model
    assert outcome.processing_class is tokenizer
    assert not torch.equal(model.classifier.weight, before)
    assert outcome.report["data"]["rows"] == {"train": 16, "validation": 6}
    assert outcome.metrics["accuracy"] == outcome.report["metrics"]["validation"]["accuracy"]
    with pytest.raises(RunDirectoryError, match="objects passed from Python can't be compared"):
        finetune(words, **live)


def _tiny_bert():
    from hf_efficient.assets import resolve

    return resolve("demo/tiny-bert")


def test_overrides_are_a_mapping_or_a_list(command_line, plain_losses):
    recipe = command_line.recipe()
    mapped = finetune(recipe, {"training.learning_rate": 1e-3, "training.output_dir": str(command_line.folder / "a")})
    listed = finetune(recipe, ["training.learning_rate=1e-3", f"training.output_dir={command_line.folder}/b"])
    assert mapped.report["recipe_digest"] == listed.report["recipe_digest"]
    assert mapped.metrics == listed.metrics
    assert mapped.directory.path == command_line.folder / "a"


def test_a_finished_run_gives_its_outcome_again(command_line):
    recipe = command_line.recipe()
    first, second = finetune(recipe), finetune(recipe)
    assert second.report == first.report == json.loads(first.directory.report.read_text())
    assert second.metrics == first.metrics
    assert torch.equal(second.model.classifier.weight, first.model.classifier.weight)
    assert second.processing_class("soup")["input_ids"] == first.processing_class("soup")["input_ids"]
