"""Augmented texts from recipe to report, and the command that shows them."""

from __future__ import annotations

import csv
import json

import pytest
from datasets import Dataset

from hf_efficient import EfficientTrainer
from hf_efficient.errors import PlanError
from hf_efficient.recipe import packages
from hf_efficient.recipe.augment import Augment
from tests.integration.command_line import write_rows
from tests.tiny import Case
from tests.trajectory import arguments

PAIRS = [{"first": f"stir the soup {i}", "second": "hoist the sail", "label": "ab"[i % 2]} for i in range(12)]


def written(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_report_counts_views_and_charges_their_time(command_line):
    ending = command_line.finetune("augment={random_swap: {}, keyboard: {}, copies: 2}", "training.num_train_epochs=2")
    assert ending.status == 0, ending.err
    report = command_line.report
    facts = report["techniques"]["augment"]
    assert report["data"]["rows"]["train"] == 18 * 3
    assert (facts["views"], facts["epochs"]) == (18 * 2 * 2, 2)
    assert sum(facts["by"].values()) == 72
    assert facts["by"].keys() == {"random_swap", "keyboard"}
    assert 0.0 < report["training"]["cache_seconds"] < report["training"]["seconds"]
    assert any(
        note.startswith("augment: 36 views of 18 training rows for each of 2 epochs") for note in report["notes"]
    )


def test_the_control_has_as_many_rows_and_no_views(command_line):
    assert command_line.finetune("augment={random_swap: {}, control: true}").status == 0
    facts = command_line.report["techniques"]["augment"]
    assert (facts["views"], facts["by"], facts["unchanged"], facts["epochs"]) == (18, {}, 18, 1)
    assert command_line.report["data"]["rows"]["train"] == 36


def test_views_are_made_for_the_epochs_that_the_steps_begin(command_line):
    recipe = command_line.recipe()
    recipe.write_text(recipe.read_text().replace("num_train_epochs: 1", "max_steps: 10"))
    assert command_line.finetune("augment.random_swap.share=0.5", recipe=recipe).status == 0
    # 40 rows, of which 36 make an epoch: a second one begins.
    assert command_line.report["techniques"]["augment"]["epochs"] == 2


def test_rows_are_shown_beside_their_views(command_line):
    ending = command_line.run("augment", str(command_line.recipe()), "augment.random_swap.share=0.5", "--show", "2")
    assert ending.status == 0, ending.err
    lines = [line.split() for line in ending.out.splitlines() if line.strip()]
    assert [line[0] for line in lines] == ["row", "random_swap", "row", "random_swap"]
    for row, view in zip(lines[::2], lines[1::2], strict=True):
        assert sorted(row[2:]) == sorted(view[1:])
        assert row[2:] != view[1:]


def test_the_views_of_the_control_are_shown_as_what_they_are(command_line):
    ending = command_line.run("augment", str(command_line.recipe()), "augment={random_swap: {}, control: true}")
    lines = [line.split() for line in ending.out.splitlines() if line.strip()]
    assert [line[0] for line in lines] == ["row", "control"] * 5
    assert all(row[2:] == view[1:] for row, view in zip(lines[::2], lines[1::2], strict=True))


def test_the_augmented_rows_are_written_whole_and_never_over_others(command_line):
    recipe, file = str(command_line.recipe()), command_line.folder / "augmented.csv"
    words = ("augment", recipe, "augment.random_delete.share=0.3", "--output", str(file))
    ending = command_line.run(*words)
    assert ending.out.endswith(f"Wrote 36 rows to {file}\n")
    rows = written(file)
    assert [row["label"] for row in rows[:18]] == [row["label"] for row in rows[18:]]
    assert all(len(view["text"].split()) == 3 for view in rows[18:])  # of four words
    again = command_line.run(*words)
    assert again.status == 1
    assert "exists; name another file with --output, or overwrite it with --force" in again.err
    assert command_line.run(*words, "--force").status == 0
    assert written(file) == rows


def test_wrong_labels_are_written_as_the_run_trains_on_them(command_line):
    clean, noisy = command_line.folder / "clean.csv", command_line.folder / "noisy.csv"
    words = ("augment", str(command_line.recipe()), "augment.random_swap.share=0.1")
    command_line.run(*words, "--output", str(clean))
    ending = command_line.run(*words, "data.label_noise=0.5", "--output", str(noisy))
    assert "note: data.label_noise: 9 of 18 training labels were replaced" in ending.err
    changed = [row["label"] != other["label"] for row, other in zip(written(clean), written(noisy), strict=True)]
    assert sum(changed[:18]) == 9
    assert changed[18:] == changed[:18]


def test_training_sees_what_is_shown(command_line):
    """The first epoch's views are those of the command."""
    file = command_line.folder / "augmented.jsonl"
    settings = ("augment={random_swap: {}, views: fixed}",)
    command_line.run("augment", str(command_line.recipe()), *settings, "--output", str(file))
    assert command_line.finetune(*settings).status == 0
    expected = command_line.losses
    train = f"data.train={file}", f"data.validation={command_line.folder}/rows.csv"
    plain = command_line.finetune(*train, f"training.output_dir={file}.run")
    assert plain.status == 0, plain.err
    log = (command_line.folder / "augmented.jsonl.run" / "log.jsonl").read_text().splitlines()
    assert [loss for line in log if (loss := json.loads(line).get("loss"))] == expected


def test_small_classes_are_filled_up(command_line):
    labels = ["rare"] * 4 + ["common"] * 20
    rows = [{"text": f"stir the soup {number}", "label": label} for number, label in enumerate(labels)]
    train = command_line.rows("unbalanced.csv", rows)
    file = command_line.folder / "balanced.csv"
    settings = (f"data.train={train}", f"data.validation={train}", "augment={random_swap: {}, below_class_size: 15}")
    ending = command_line.run("augment", str(command_line.recipe()), *settings, "--output", str(file))
    assert ending.status == 0, ending.err
    balanced = written(file)
    assert [row["label"] for row in balanced].count("rare") == 15
    assert [row["label"] for row in balanced].count("common") == 20
    per_row = [
        sum(row["text"].endswith(f"soup {i}") or f" {i} " in f" {row['text']} " for row in balanced) for i in range(4)
    ]
    assert sorted(per_row) == [3, 4, 4, 4]


def test_both_texts_of_a_pair_change_each_in_its_own_way(command_line):
    command_line.rows("pairs.csv", PAIRS)
    file = command_line.folder / "augmented.jsonl"
    settings = (
        "data.columns={text: first, text_pair: second}",
        "augment={random_swap: {share: 0.3}, originals: false}",
    )
    ending = command_line.run(
        "augment", str(command_line.recipe()), f"data.train={command_line.folder}/pairs.csv", *settings, "-o", str(file)
    )
    assert ending.status == 0, ending.err
    views = [json.loads(line) for line in file.read_text().splitlines()]
    changed = [
        (view["first"].split()[:3] != ["stir", "the", "soup"], view["second"] != "hoist the sail") for view in views
    ]
    assert set(changed) == {(True, True)}
    assert len({view["second"] for view in views}) > 1


def test_labels_of_words_stay_with_their_words(command_line):
    rows = [{"tokens": ["because", "soup", "because"], "tags": ["O", "B-A", "O"]} for _ in range(10)]
    train = write_rows(command_line.folder / "words.jsonl", rows)
    file = command_line.folder / "augmented.jsonl"
    settings = (
        "task=token-classification",
        f"data.train={train}",
        "augment={spelling: {share: 1.0}, originals: false}",
    )
    ending = command_line.run("augment", str(command_line.recipe()), *settings, "-o", str(file))
    assert ending.status == 0, ending.err
    views = [json.loads(line) for line in file.read_text().splitlines()]
    assert all(len(view["tokens"]) == 3 and view["tags"] == ["O", "B-A", "O"] for view in views)
    assert all(view["tokens"][0] != "because" for view in views)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((), "default: augment: expected an augmenter, found none; name one: augment.random_swap.share=0.1"),
        (("augment.synonims.share=0.1",), "augment.synonims is not a setting. Did you mean augment.synonym?"),
        (("augment.function.path=os.getcwd",), "can't be used: expected package.module:function, found os.getcwd."),
        (("augment.function.path=os:getcwdd",), "os has no function getcwdd. Did you mean getcwd?"),
        (("augment.copies=2",), "augment can't be used: name an augmenter, such as random_swap: {}."),
        (("augment.synonym.share=0.1",), "fetch it: `hf-efficient assets fetch demo/wordnet`"),
        (
            ("augment={random_swap: {}, below_class_size: 9, originals: false}",),
            "below_class_size adds views to the rows of small classes; take originals: false out",
        ),
    ],
)
def test_what_can_not_be_meant_is_one_line(command_line, settings, message):
    ending = command_line.run("augment", str(command_line.recipe()), *settings)
    assert ending.status != 0
    assert message in ending.err
    assert len(ending.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("labels", "augment", "message"),
    [
        ("0.5 3.5", "below_class_size: 3", "below_class_size can't take effect: it needs rows of one class each, and"),
        ("0.5 3.5", "consistency: {}", "consistency can't take effect: it needs rows of one class each, and this is"),
        ("a b", "below_class_size: 3", "the smallest class has 3 rows"),
    ],
)
def test_classes_must_be_there_and_small(command_line, labels, augment, message):
    rows = command_line.rows("few.csv", [{"text": f"stir {label}", "label": label} for label in labels.split() * 3])
    settings = f"data.train={rows}", f"data.validation={rows}", f"augment={{random_swap: {{}}, {augment}}}"
    ending = command_line.finetune(*settings, *([f"data.unlabelled={rows}"] if "consistency" in augment else []))
    assert ending.status == 2
    assert message in ending.err
    assert len(ending.err.splitlines()) == 1


def test_a_missing_lexicon_is_said_before_rows_are_read(command_line):
    ending = command_line.finetune("augment.synonym.share=0.1", "data.train=nowhere.csv")
    assert ending.status == 1
    assert "augment.synonym.lexicon is demo/wordnet, which is not on this machine" in ending.err


def test_a_trainer_with_encoded_rows_refuses_to_augment_them(tmp_path):
    case = Case("bert", "single_label_classification")
    with pytest.raises(PlanError, match="the training rows are encoded already"):
        EfficientTrainer(
            model=case.make_model(),
            args=arguments(str(tmp_path)),
            train_dataset=Dataset.from_list([{"input_ids": [1], "labels": 0}]),
            techniques=[Augment(random_swap={})],
        )


@pytest.mark.parametrize("name", ["spelling", "keyboard"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(command_line, monkeypatch, name):
    monkeypatch.setattr(packages, "find_spec", lambda module: None)
    ending = command_line.finetune(f"augment={{{name}: {{}}}}")
    assert ending.status == 2
    assert f"augment.{name} is on, which needs the package nlpaug: pip install 'hf-efficient[nlpaug]'" in ending.err
