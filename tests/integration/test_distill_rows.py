"""Distillation on rows without labels, and from teachers that read other tokens than the student."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from safetensors.numpy import load_file, save_file

from hf_efficient.data import unlabelled
from hf_efficient.errors import PlanError
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.explain import explain
from hf_efficient.training.finetune import finetune
from hf_efficient.training.run_directory import RunDirectory
from tests.runs import TEACHER, losses, smoke, teacher, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")

STEADY = {"distill.teacher": TEACHER, "training.num_train_epochs": 1}


# Rows without labels.

MORE_ROWS = {**STEADY, "data.unlabelled": "validation"}


@pytest.mark.parametrize(
    "more", [{}, {"distill.labels_weight": 5.0}, {"task.class_weights": {"cooking": 3.0}}], ids=str
)
def test_what_stands_for_a_missing_label_is_not_learnt(more, tmp_path, monkeypatch):
    whole = smoke(tmp_path / "whole", {**MORE_ROWS, **more})
    train(whole)
    monkeypatch.setattr(unlabelled, "_stand_ins", lambda train, rows: [1 - train[0]["labels"]] * len(rows))
    other = smoke(tmp_path / "other", {**MORE_ROWS, **more})
    train(other)
    for name, values in weights(whole).items():
        np.testing.assert_array_equal(weights(other)[name], values, err_msg=name)


def test_a_labelled_row_weighs_the_same_beside_rows_without_labels(tmp_path):
    """The labels' loss of a step is divided by all its rows: with as many rows without labels it is half."""
    settings = {
        "training.per_device_train_batch_size": 64,
        "data.limit": 16,
        "distill.labels_weight": 1.0,
        "distill.weight": 1e-9,
    }
    alone = losses(train(smoke(tmp_path / "alone", {**STEADY, **settings})))
    beside = losses(train(smoke(tmp_path / "beside", {**MORE_ROWS, **settings})))
    assert beside[0] == pytest.approx(alone[0] / 2, rel=1e-3)


def test_they_are_counted_apart(tmp_path):
    recipe = smoke(tmp_path / "run", MORE_ROWS)
    rows = {"train": 48, "unlabelled": 16, "validation": 16}
    explained = explain(recipe)["data"]
    assert (explained["rows"], sum(explained["labels"].values())) == (rows, 48)
    report = finetune(recipe).report
    assert report["data"]["rows"] == rows
    assert report["training"]["steps"] == 8  # of 8 rows each


@pytest.mark.parametrize("cache", [True, False])
def test_the_teacher_answers_them_too(cache, tmp_path):
    more = {"training.precision": "fp32", "distill.cache": cache}
    without = losses(train(smoke(tmp_path / "without", {**STEADY, **more})))
    found = losses(train(smoke(tmp_path / "run", {**MORE_ROWS, **more})))
    assert len(found) == len(without) + 2
    shards = [json.loads(path.read_text()) for path in (tmp_path / "cache").rglob("teachers/*/*.json")]
    assert sorted(len(shard["lengths"]) for shard in shards) == ([48, 64] if cache else [])


# Teachers that read other tokens.


def with_other_tokens(folder: Path) -> str:
    """A copy of the teacher whose words have other ids, and which answers the same to the same texts."""
    folder.mkdir()
    source = Path(teacher()) / "model"
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = json.loads((folder / "tokenizer.json").read_text())
    special = {token["id"] for token in content["added_tokens"]}
    vocab = content["model"]["vocab"]
    ids = sorted(set(vocab.values()) - special)
    moved = dict(zip(ids, reversed(ids), strict=True))
    content["model"]["vocab"] = {word: moved.get(number, number) for word, number in vocab.items()}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    tensors = load_file(source / "model.safetensors")
    embeddings = tensors["bert.embeddings.word_embeddings.weight"]
    order = [moved.get(number, number) for number in range(len(embeddings))]
    tensors["bert.embeddings.word_embeddings.weight"] = np.ascontiguousarray(embeddings[order])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"distill.cache": False},
        {"data.unlabelled": "validation"},
        {"batching.padding": "tokens", "batching.max_tokens": 96},
        {"training.dataloader_num_workers": 1},
    ],
    ids=str,
)
def test_a_teacher_reads_the_texts_in_its_own_tokens(more, tmp_path):
    settings = {**STEADY, "training.precision": "fp32", **more}
    expected = losses(train(smoke(tmp_path / "same", settings)))
    other = {**settings, "distill.teacher": with_other_tokens(tmp_path / "teacher")}
    assert losses(train(smoke(tmp_path / "other", other))) == pytest.approx(expected, rel=1e-5)


def test_several_teachers_read_their_own_tokens_and_keep_their_own_answers(tmp_path):
    other = with_other_tokens(tmp_path / "teacher")
    both = {"distill.teacher": [other, teacher(), other], "distill.teacher_weights": [1.0, 2.0, 1.0]}
    one = losses(train(smoke(tmp_path / "one", {**STEADY, "training.precision": "fp32"})))
    three = losses(train(smoke(tmp_path / "three", {**STEADY, **both, "training.precision": "fp32"})))
    assert three == pytest.approx(one, rel=1e-4)
    assert len(list((tmp_path / "cache").glob("teachers/*"))) == 2


@pytest.mark.parametrize("name", ["hidden", "attention", "relations"])
def test_what_is_compared_token_by_token_needs_the_same_tokens(name, tmp_path):
    other = {"distill.teacher": with_other_tokens(tmp_path / "teacher"), f"distill.{name}": {}}
    with pytest.raises(PlanError, match=rf"and distill\.{name} is learnt token by token; teacher and student must"):
        train(smoke(tmp_path / "run", other))


def test_a_stream_has_no_texts_for_it(tmp_path):
    recipe = Recipe.from_mapping(
        {
            "task": {"type": "text-classification", "labels": ["cooking", "sailing"]},
            "model": {"name": "demo/tiny-bert", "initialization": "random"},
            "data": {"name": "demo/smoke", "streaming": True},
            "distill": {"teacher": with_other_tokens(tmp_path / "teacher")},
            "training": {"output_dir": str(tmp_path / "run"), "max_steps": 2, **STEPS},
        }
    )
    with pytest.raises(PlanError, match=r"take data\.streaming out, or a teacher with the student's tokens"):
        train(recipe)


STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "logging_strategy": "steps"}


@pytest.fixture
def pairs(tmp_path) -> str:
    """A file of pairs of texts, of which the second is the first again or the one before."""
    texts = load_dataset("csv", data_files=str(_smoke_rows(tmp_path)), split="train")["text"][:]
    lines = [f'"{text}","{texts[n - n % 2]}",{("same", "other")[n % 2]}' for n, text in enumerate(texts)]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["text,second,label", *lines]))
    return str(path)


def _smoke_rows(tmp_path: Path) -> Path:
    from hf_efficient.data.load import load_table

    path = tmp_path / "rows.csv"
    load_table("demo/smoke", split="train").to_csv(str(path))
    return path


def test_a_teacher_of_pairs_has_its_segments_where_the_student_has_none(pairs, tmp_path):
    of_pairs = {"data": {"train": pairs, "columns": {"text_pair": "second"}}, "task": "text-classification"}
    first = Recipe.from_mapping(
        {
            **of_pairs,
            "model": {"name": "demo/tiny-bert", "initialization": "random"},
            "training": {"output_dir": str(tmp_path / "large"), "max_steps": 1},
        }
    )
    train(first)
    student = {"from_teacher": {"architecture": "distilbert"}}
    words = {**of_pairs, "distill": {"teacher": str(tmp_path / "large"), "student": student}}
    recipe = Recipe.from_mapping({**words, "training": {"output_dir": str(tmp_path / "run"), "max_steps": 1}})
    plan = build(recipe, *training_arguments(recipe, RunDirectory.of(recipe))[::2])
    batch = plan.data_collator([plan.train_dataset[0], plan.train_dataset[1]])
    assert "token_type_ids" not in batch
    segments = batch["of_teacher_0_token_type_ids"]
    assert segments.shape == batch["input_ids"].shape
    assert set(segments[0].tolist()) == {0, 1}
    assert train(recipe).steps == 1
