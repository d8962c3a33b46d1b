"""Token classification from recipe to predictions, on a tiny BERT."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from hf_efficient.cli.app import run
from hf_efficient.recipe import Recipe
from hf_efficient.training.score import evaluate_run, load_run
from tests.integration.command_line import write_rows
from tests.processes import run_processes
from tests.runs import CutOffError, losses, train, weights

pytestmark = pytest.mark.usefixtures("shared_cache")

TAGS = {"soup": "B-DISH", "onion": "B-DISH", "boat": "B-SHIP", "anchor": "B-SHIP"}
PLAIN = ("stir", "the", "hoist", "bake", "drop")


def sentences(count):
    """Rows of one to nine words; after an entity, `a` belongs to it and elsewhere it does not."""
    draw = random.Random(0)
    rows = []
    for _ in range(count):
        words = draw.choices([*PLAIN, *TAGS, "a"], k=draw.randint(1, 9))
        tags = [TAGS.get(word, "O") for word in words]
        for index in range(1, len(words)):
            if words[index] == "a" and tags[index - 1].startswith("B-"):
                tags[index] = f"I-{tags[index - 1][2:]}"
        rows.append({"words": words, "tags": tags})
    return rows


def recipe_for(home, name, **training):
    rows = write_rows(home / "rows.jsonl", sentences(120))
    words = {
        "task": "token-classification",
        "model": {"name": "demo/tiny-bert", "initialization": "random"},
        "data": {"train": str(rows), "validation_size": 0.2},
        "training": {
            "output_dir": str(home / name),
            "per_device_train_batch_size": 8,
            "precision": "fp32",
            "logging_steps": 1,
            **training,
        },
    }
    path = home / f"{name}.yaml"
    path.write_text(json.dumps(words))
    return path


@pytest.fixture(scope="module")
def finished(home):
    """A run that has learnt its rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_EFFICIENT_HOME", str(home / "cache"))
        path = recipe_for(home, "run", num_train_epochs=12, learning_rate=1e-2, save_strategy="no")
        assert run(["finetune", str(path)]) == 0
    return home / "run"


def plain_tags(folder, words, max_length=None):
    """The tag of each word's first token, by plain transformers alone; None for a word that is cut."""
    model = AutoModelForTokenClassification.from_pretrained(folder / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    limits = {"truncation": True, "max_length": max_length} if max_length else {}
    encoded = tokenizer([words], is_split_into_words=True, return_tensors="pt", **limits)
    with torch.no_grad():
        decided = model(**encoded).logits[0].argmax(-1).tolist()
    ids = encoded.word_ids(0)
    names = model.config.id2label
    return [names[decided[ids.index(number)]] if number in ids else None for number in range(len(words))]


def test_it_learns_and_reports_whole_entities(finished):
    report = json.loads((finished / "report.json").read_text())
    assert report["task"] == {
        "type": "token-classification",
        "problem": "entities",
        "labels": ["B-DISH", "B-SHIP", "I-DISH", "I-SHIP", "O"],
    }
    assert report["model"]["class"] == "BertForTokenClassification"
    scores = report["metrics"]["validation"]
    assert min(scores["entity_f1"], scores["accuracy"]) > 0.9
    assert list(scores)[:4] == ["loss", "entity_f1", "entity_precision", "entity_recall"]
    card = (finished / "README.md").read_text()
    assert "pipeline_tag: token-classification" in card
    assert "It finds entities in a text, marked by these labels of its words: `B-DISH`" in card


def test_evaluate_gives_the_reports_scores(finished, capsys):
    assert run(["evaluate", str(finished), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    assert found == pytest.approx(json.loads((finished / "report.json").read_text())["metrics"]["validation"])


def test_texts_are_split_at_white_space(finished, capsys):
    assert run(["predict", str(finished), "--text", "stir the  soup a"]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["tokens"] == ["stir", "the", "soup", "a"]
    assert row["prediction"] == plain_tags(finished, ["stir", "the", "soup", "a"])
    assert len(row["score"]) == 4


def test_predicted_rows_keep_their_order_and_words_that_are_cut_have_no_tag(finished, tmp_path, capsys):
    rows = sentences(30)
    source = write_rows(tmp_path / "new.jsonl", [{"words": row["words"]} for row in rows])
    assert run(["predict", str(finished), "data.max_length=6", "--data", str(source)]) == 0
    captured = capsys.readouterr()
    found = [json.loads(line) for line in captured.out.splitlines()]
    assert [row["words"] for row in found] == [row["words"] for row in rows]
    for row in found:
        assert row["prediction"] == plain_tags(finished, row["words"], max_length=6)
        assert [score is None for score in row["score"]] == [tag is None for tag in row["prediction"]]
    assert any(None in row["prediction"] for row in found)
    assert captured.err.endswith(" of 30 rows were cut to 6 tokens\n")


def test_explain_counts_the_words_of_each_class(home, capsys):
    assert run(["explain", str(recipe_for(home, "explained"))]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "token-classification, entities" in out
    assert "B-DISH " in out


def scores(folder):
    return evaluate_run(load_run(folder, ["training.per_device_eval_batch_size=3"])).metrics


def test_two_processes_score_as_one_does(finished):
    alone = scores(finished)
    for metrics in run_processes(2, scores, finished):
        assert metrics == pytest.approx(alone, rel=1e-6)


def test_it_resumes_bit_for_bit(home):
    def short(name):
        settings = {"max_steps": 6, "learning_rate": 1e-3, "label_smoothing_factor": 0.1}
        settings |= {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
        return Recipe.load(recipe_for(home, name, **settings), {"task.class_weights": "balanced"})

    whole, cut = short("whole"), short("cut")
    expected = train(whole)
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=5)
    resumed = train(cut)
    assert resumed.resumed_from_step == 4
    assert resumed.metrics == expected.metrics
    assert losses(resumed)[-2:] == losses(expected)[-2:]
    for tensor, values in weights(whole).items():
        np.testing.assert_array_equal(weights(cut)[tensor], values, err_msg=tensor)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"words": ["a", "b"], "tags": ["O"]},
            "row 3: expected a label for each word, found 2 words in words and 1 labels",
        ),
        ({"words": [], "tags": []}, "row 3: column words: expected a list of words, found []; drop the row"),
    ],
)
def test_rows_that_cannot_be_learnt_end_in_one_line(home, tmp_path, capsys, row, said):
    rows = write_rows(tmp_path / "rows.jsonl", [*sentences(2), row])
    assert run(["finetune", str(recipe_for(home, "bad")), f"data.train={rows}"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: train {said}")
