from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from hf_efficient.cli.explain import folded, print_explanation
from hf_efficient.recipe import Recipe
from hf_efficient.training.explain import directory_state, label_counts, padding_share, settings, token_lengths
from hf_efficient.training.run_directory import RunDirectory

RECIPE = """\
task: text-classification
model:
  name: demo/tiny-bert
data:
  name: demo/smoke
training:
  learning_rate: 1e-3
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(RECIPE)
    return Recipe.load(path, ["training.seed=7"])


def test_token_lengths_are_those_of_real_rows():
    assert token_lengths(np.arange(100, 0, -1)) == {"min": 1, "median": 50, "p95": 95, "max": 100}
    assert token_lengths(np.array([3])) == {"min": 3, "median": 3, "p95": 3, "max": 3}
    assert token_lengths(None) is None


@pytest.mark.parametrize(
    ("lengths", "batch_size", "share"),
    [
        ([5, 5, 5], 2, 0.0),
        ([1, 3], 2, 1 / 3),  # 4 tokens in 2 × 3
        ([1, 3], 1, 0.0),
        ([1, 1, 2], 3, 1 / 3),  # 4 tokens in 3 × 2
    ],
)
def test_padding_is_what_fills_a_batch_to_its_longest_row(lengths, batch_size, share):
    assert padding_share(np.array(lengths), batch_size) == pytest.approx(share)


def test_padding_does_not_depend_on_the_order_of_the_rows_alone():
    # Sorted rows would need almost none; a shuffled epoch does.
    assert padding_share(np.arange(1, 65), 8) > 0.3


@pytest.mark.parametrize(
    ("labels", "names", "counts"),
    [
        ([0, 2, 2, -100], ["a", "b", "c"], {"a": 1, "b": 0, "c": 2}),
        ([[1.0, 0.0], [1.0, 1.0]], ["a", "b"], {"a": 2, "b": 1}),
        ([1.0, 4.0, 4.0], [], {"min": 1.0, "mean": 3.0, "max": 4.0}),
    ],
)
def test_labels_are_counted_by_class(labels, names, counts):
    assert label_counts(np.array(labels), names) == counts


def test_every_value_has_its_source(recipe):
    found = {setting.path: setting for setting in settings(recipe)}
    assert found["model.name"].source.short == "a.yaml:3"
    assert found["training.seed"].source.short == "command line"
    assert found["training.learning_rate"].value == 1e-3
    assert found["task.problem"].is_default
    assert found.keys() == recipe.sources.keys()


def test_defaults_of_ours_are_told_from_those_of_transformers(recipe):
    found = {setting.path: setting for setting in settings(recipe)}
    library = {path for path, setting in found.items() if setting.is_library_default}
    assert {"training.weight_decay", "training.num_train_epochs", "training.optim"} <= library
    # Ours, ours where transformers' is another one, written, and of another section.
    others = ("training.precision", "training.eval_strategy", "training.output_dir", "training.seed", "data.seed")
    assert library.isdisjoint(others)


def test_defaults_fold_into_a_phrase(recipe):
    data = [setting for setting in settings(recipe) if setting.section == "data" and setting.is_default]
    phrase = folded(data)
    assert phrase.startswith("by default validation_size 0.1, seed 0, ")
    assert "; not set: config, " in phrase
    assert "transformers" not in phrase


FACTS = {
    "task": {"type": "text-classification", "problem": "single_label", "labels": [f"c{i}" for i in range(20)]},
    "model": {
        "name": "m",
        "class": "Bert",
        "parameters": 2000,
        "trainable_parameters": 500,
        "tokenizer": "T",
        "vocabulary": 30522,
        "max_length": 64,
    },
    "data": {
        "name": "d",
        "rows": {"train": 1234, "validation": 10},
        "truncated_rows": {"train": 3},
        "image_sizes": {},
        "token_lengths": {
            "train": {"min": 2, "median": 9, "p95": 40, "max": 64},
            "validation": {"min": 3, "median": 8, "p95": 30, "max": 31},
        },
        "labels": {f"c{i}": i + 1 for i in range(20)},
    },
    "batch": {"per_device": 8, "accumulation": 4, "processes": 2, "effective": 64, "padding": 0.256},
    "steps": {"per_epoch": 20, "total": 50, "warmup": 5, "epochs": 2.5},
    "schedule": {"name": "polynomial", "learning_rate": 5e-5, "settings": {"power": 2.0}},
    "seed": 1,
    "precision": {"name": "fp32", "reason": "because"},
    "launch": {"world_size": 2, "machines": 1, "device": "cpu", "backend": "gloo", "sharding": None},
    "memory": {"peak": 1_500_000, "parameters": 8000, "activations": 1_492_000, "rest": 0},
    "techniques": [{"name": "early_stopping", "settings": {"patience_epochs": 2.0}}],
    "notes": ["take [note]"],
    "output_dir": "runs/a",
    "output_dir_state": "unfinished",
}


def printed(recipe, **options):
    console = Console(file=StringIO(), width=120)
    print_explanation(settings(recipe), FACTS, console, **options)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        "learning_rate 0.001 a.yaml:7",
        "seed 7 command line",
        "augment, prune, curriculum, freeze, peft, distill, active, early_stopping, hub",
        "model m: Bert, 2,000 parameters, 500 trained (25.00%)",
        "tokenizer T, 30,522 tokens, rows of at most 64",
        "data d: 1,234 train, 10 validation",
        "batch 64 rows a step: 8 a device × 4 accumulated × 2 processes",
        "padding 26% of the tokens of a batch (estimated)",
        "steps 50 in 2.5 epochs of 20",
        "schedule polynomial from 5e-05, 5 warm-up steps, power 2.0",
        "precision fp32 (because)",
        "launch 2 processes on cpu over gloo, each with the whole model (DDP)",
        "memory 1.5 MB at the peak of a process (estimated): 8 kB parameters, 1.49 MB activations",
        "technique early_stopping: patience_epochs 2.0",
        "note take [note]",
        "split rows tokens min median p95 max rows cut",
        "train 1,234 2 9 40 64 3",
        "validation 10 3 8 30 31 0",
    ],
)
def test_the_explanation_holds(recipe, line):
    assert line in printed(recipe)


def test_many_classes_are_shown_by_their_ends(recipe):
    text = " ".join(printed(recipe))
    assert "c19 20, c18 19, " in text
    assert "and 8 more, c0 the rarest with 1" in text


def test_the_normal_output_fits_two_screens_and_all_lists_everything(recipe):
    short, long = printed(recipe), printed(recipe, every=True)
    assert len(short) < 60
    assert not any(line.startswith("weight_decay") for line in short)
    assert "weight_decay 0.0 default" in long
    assert not any("--all" in line for line in long)


def test_a_regression_has_a_range(recipe):
    facts = {
        **FACTS,
        "task": {**FACTS["task"], "labels": []},
        "data": {**FACTS["data"], "labels": {"min": 0.0, "mean": 2.5, "max": 5.0}},
    }
    console = Console(file=StringIO(), width=120)
    print_explanation([], facts, console)
    assert "0 to 5, 2.5 on average" in console.file.getvalue()


def test_a_long_path_is_cut_nowhere():
    path = f"runs/{'x' * 300}"
    console = Console(file=StringIO())
    print_explanation([], {**FACTS, "output_dir": path}, console)
    assert path in "".join(console.file.getvalue().split())


def test_a_run_directory_is_new_unfinished_or_finished(tmp_path):
    run = RunDirectory(tmp_path)
    states = [directory_state(run)]
    for file in (run.recipe, run.report):
        file.touch()
        states.append(directory_state(run))
    assert states == ["new", "unfinished", "finished"]
