"""Views that models make, from the recipe to the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from hf_efficient.errors import AssetError, RecipeError
from hf_efficient.techniques.augment.kept import Kept
from hf_efficient.techniques.augment.label_keep import LabelKeeper
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.augmented import augmented_rows, shown_rows
from hf_efficient.training.build import build
from hf_efficient.training.finetune import finetune
from hf_efficient.training.run_directory import RunDirectory
from tests.processes import run_processes
from tests.runs import TEACHER, CutOffError, losses, smoke, train, weights
from tests.tiny_writers import save_masked_lm, save_seq2seq


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return save_masked_lm(folder / "bert"), save_seq2seq(folder / "t5")


def settings(models):
    bert, t5 = models
    return {
        "augment.contextual.model": bert,
        "augment.paraphrase.model": t5,
        "augment.back_translation.forward": t5,
        "augment.back_translation.backward": t5,
        "training.num_train_epochs": 2,
        "data.limit": 8,
    }


def test_a_run_that_was_cut_off_makes_no_view_again(models, tmp_path):
    saving = {**settings(models), "training.save_strategy": "steps", "training.save_steps": 1}
    whole, cut = smoke(tmp_path / "whole", saving), smoke(tmp_path / "cut", saving)
    train(whole)
    logs = sorted((tmp_path / "cache" / "views").glob("*.jsonl"))
    made = [log.read_bytes() for log in logs]
    assert len(logs) == 3
    assert 10 < sum(log.count(b"\n") for log in made) <= 16
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=3)
    assert train(cut).resumed_from_step == 3
    assert [log.read_bytes() for log in logs] == made
    for name, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[name], values, err_msg=name)


def test_views_that_an_earlier_run_has_made_are_told_with_their_cost(models, tmp_path):
    recipe = smoke(tmp_path / "run", {**settings(models), "data.limit": 6})
    first, second = (augmented_rows(recipe) for _ in range(2))
    facts, again = first.facts["augment"], second.facts["augment"]
    assert (facts["found"], facts["found_cpu_seconds"]) == (0, 0)
    assert again["found"] == again["views"]
    assert again["found_cpu_seconds"] > 0
    assert re.search(r"; \d+ were found on disk, where making them had cost \d+\.\d CPU seconds", second.notes[0])


def test_texts_that_are_too_long_for_a_model_are_counted_whenever_views_are_made(models, tmp_path):
    rows = [f"{'stir the soup ' * (40 if number < 3 else 2)},{'cook' if number % 2 else 'sail'}" for number in range(8)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]))
    given = {"data.name": None, "data.train": str(tmp_path / "rows.csv"), "data.validation": str(tmp_path / "rows.csv")}
    recipe = smoke(tmp_path / "run", {**given, "augment.contextual.model": models[0]})
    first, second = (augmented_rows(recipe) for _ in range(2))
    for made in (first, second):
        assert (made.facts["augment"]["unchanged"], made.facts["augment"]["too_long"]) == (3, 3)
        assert "37.5% of them equal their row, 3 of all since a text is too long for the model" in made.notes[0]
    assert first.table["text"][:] == second.table["text"][:]


def test_views_are_the_same_when_they_are_made_anew(models, tmp_path, monkeypatch):
    given = {name: value for name, value in settings(models).items() if name != "augment.paraphrase.model"}
    first = losses(train(smoke(tmp_path / "first", given)))
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "other"))
    assert losses(train(smoke(tmp_path / "second", given))) == first
    control = losses(train(smoke(tmp_path / "control", {**given, "augment.control": True})))
    assert len(control) == len(first)
    assert control != first


UNLABELLED = {
    "augment.random_swap": {},
    "augment.consistency.confidence": 0.0,
    "data.unlabelled": "validation",
    "training.num_train_epochs": 2,
}
STEADY = {"model.config.hidden_dropout_prob": 0.0, "model.config.attention_probs_dropout_prob": 0.0}


def losses_of_a_split(path: str, given: dict, rows: int) -> list[float]:
    return losses(train(smoke(Path(path), {**given, **STEADY, "training.per_device_train_batch_size": rows})))


def views_kept_in(home):
    """Keys and views of the only log there, without what each has cost."""
    (log,) = (home / "views").glob("*.jsonl")
    return [json.loads(line)[:2] for line in log.read_text().splitlines()]


def test_two_processes_make_the_views_of_one_and_train_on_them(models, tmp_path, monkeypatch):
    given = {"augment.contextual.model": models[0], **UNLABELLED}
    alone = losses_of_a_split(str(tmp_path / "alone"), given, 8)
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "other"))
    first, second = run_processes(2, losses_of_a_split, str(tmp_path / "both"), given, 4)
    assert (first or second) == pytest.approx(alone, rel=1e-5)
    assert views_kept_in(tmp_path / "other") == views_kept_in(tmp_path / "cache")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"augment.contextual.model": "demo/minilm-l6"},
            r"augment\.contextual\.model is demo/minilm-l6, which is not on this machine; fetch it: "
            r"`hf-efficient assets fetch demo/minilm-l6`$",
        ),
        (
            {"augment.back_translation": {"forward": "Helsinki-NLP/opus-mt-en-de", "backward": "demo/tiny-t5"}},
            r"augment\.back_translation\.forward is Helsinki-NLP/opus-mt-en-de, which is not on this machine; fetch "
            r"it: `hf download Helsinki-NLP/opus-mt-en-de`$",
        ),
    ],
)
def test_a_model_that_is_not_at_hand_is_named_before_rows_are_read(given, said, tmp_path):
    with pytest.raises(AssetError, match=said):
        train(smoke(tmp_path / "run", {**given, "data.name": None, "data.train": "nowhere.csv"}))


def test_the_control_needs_no_model(tmp_path):
    given = {"augment.contextual.model": "demo/minilm-l6", "augment.control": True, "training.num_train_epochs": 1}
    assert train(smoke(tmp_path / "run", given)).steps == 12


def test_views_that_a_teacher_finds_to_be_of_another_class_are_counted(tmp_path, monkeypatch):
    given = {
        "augment.random_delete.share": 0.9,
        "augment.keep_label.teacher": TEACHER,
        "augment.keep_label.confidence": 0.5,
        "training.num_train_epochs": 2,
    }
    recipe = smoke(tmp_path / "run", given)
    monkeypatch.setattr(LabelKeeper, "flips", lambda keeper, rows, views: np.arange(len(rows)) % 4 == 0)
    report = finetune(recipe).report
    assert report["techniques"]["augment"]["dropped"] == 24
    assert any("24 of all were taken for another class and are their row instead" in note for note in report["notes"])


def test_views_that_a_teacher_surely_takes_for_another_class_are_their_rows(tmp_path):
    learnt = smoke(tmp_path / "teacher", {"training.num_train_epochs": 14, "training.learning_rate": 5e-3})
    train(learnt)
    model = AutoModelForSequenceClassification.from_pretrained(RunDirectory.of(learnt).model).eval()
    tokenizer = AutoTokenizer.from_pretrained(RunDirectory.of(learnt).model)
    given = {"augment.random_delete.share": 0.9}
    table = augmented_rows(smoke(tmp_path / "all", given)).table["text"][:]
    with torch.no_grad():
        found = [model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0] for text in table]
    flips = [
        row.argmax() != view.argmax() and view.max() >= 0.6 for row, view in zip(found[:48], found[48:], strict=True)
    ]
    assert 0 < sum(flips) < 48
    keeping = {**given, "augment.keep_label": {"teacher": str(tmp_path / "teacher"), "confidence": 0.6}}
    kept = augmented_rows(smoke(tmp_path / "kept", keeping))
    texts = kept.table["text"][:]
    assert [row == view for row, view in zip(texts[:48], texts[48:], strict=True)] == flips
    assert kept.facts["augment"]["dropped"] == sum(flips)


def test_unlabelled_rows_teach_by_their_views(tmp_path):
    report = finetune(smoke(tmp_path / "run", UNLABELLED)).report
    assert report["data"]["rows"] == {"train": 96, "unlabelled": 16, "validation": 16}
    found = losses(train(smoke(tmp_path / "views", UNLABELLED)))
    weightless = losses(train(smoke(tmp_path / "weightless", {**UNLABELLED, "augment.consistency.weight": 0.0})))
    assert len(found) == len(weightless) == 28
    assert found != weightless
    fixed = losses(train(smoke(tmp_path / "fixed", {**UNLABELLED, "augment.views": "fixed"})))
    assert fixed != found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"data.unlabelled": "validation"},
            r"data\.unlabelled can't take effect: only a teacher can answer such rows, or augment",
        ),
        (
            {"augment.consistency": {}, "augment.random_swap": {}},
            r"augment\.consistency .*: name rows in data\.unlabel",
        ),
        (
            {**UNLABELLED, "task.problem": "regression"},
            r"augment\.consistency can't take effect: only texts of one class each have it",
        ),
    ],
)
def test_settings_without_effect_are_refused(given, said, tmp_path):
    with pytest.raises(RecipeError, match=said):
        smoke(tmp_path / "run", given)


def test_dropped_views_are_shown_as_their_rows_and_written_so(tmp_path, monkeypatch):
    given = {"augment.random_delete.share": 0.9, "augment.keep_label.teacher": TEACHER}
    recipe = smoke(tmp_path / "run", given)
    monkeypatch.setattr(LabelKeeper, "flips", lambda keeper, rows, views: np.ones(len(rows), dtype=bool))
    shown = shown_rows(recipe, 3)
    assert [row.views[0].texts for row in shown] == [row.texts for row in shown]
    texts = augmented_rows(recipe).table["text"][:]
    assert texts[:48] == texts[48:]


def test_unlabelled_rows_need_not_be_read_to_show_views(tmp_path):
    assert len(shown_rows(smoke(tmp_path / "run", UNLABELLED), 2)) == 2
    assert len(augmented_rows(smoke(tmp_path / "run", UNLABELLED)).table) == 96


def test_explain_asks_no_model(models, tmp_path, monkeypatch):
    given = {**settings(models), "augment.keep_label.teacher": TEACHER}
    recipe = smoke(tmp_path / "run", given)
    monkeypatch.setattr(Kept, "_augmenter", property(lambda kept: pytest.fail(f"{kept.name} was loaded")))
    plan = build(recipe, training_arguments(recipe, RunDirectory.of(recipe))[0], makes_views=False)
    assert len(plan.train_dataset) == 32
    said = "100.0% of them equal their row; those by models that are not there yet are not made to explain a run"
    assert any(note.endswith(said) for note in plan.notes)


def test_explain_does_not_say_how_many_views_keep_label_drops(tmp_path, monkeypatch):
    recipe = smoke(tmp_path / "run", {"augment.random_swap": {}, "augment.keep_label.teacher": TEACHER})
    monkeypatch.setattr(LabelKeeper, "of", lambda *given: pytest.fail("it was loaded"))
    plan = build(recipe, training_arguments(recipe, RunDirectory.of(recipe))[0], makes_views=False)
    assert any(note.endswith("; augment.keep_label is not asked to explain a run") for note in plan.notes)
