"""Curricula and pruning by a recipe, by `EfficientTrainer` alone, and what is refused."""

from __future__ import annotations

import re

import datasets
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, PrinterCallback

from hf_efficient import Batching, Curriculum, EfficientTrainer, HfEfficientError, Prune, finetune
from hf_efficient.assets import resolve
from hf_efficient.techniques.curriculum.follow import Follow
from tests import tiny_images
from tests.integration.test_distill_rows import with_other_tokens
from tests.integration.test_token_classification import sentences
from tests.runs import smoke, teacher
from tests.tiny import TokenCase
from tests.trajectory import arguments

pytestmark = pytest.mark.usefixtures("shared_cache")

NUM_ROWS = 40
ROWS = datasets.Dataset.from_dict(
    {
        "text": ["a soup " * (row % 7 + 1) + str(row) for row in range(NUM_ROWS)],
        "label": ["cooking", "sailing"] * (NUM_ROWS // 2),
        "number": [float(row) for row in range(NUM_ROWS)],
        "same": [1.0] * NUM_ROWS,
        "gap": [1.0] * 20 + [None] + [1.0] * 19,
        "ratings": [[0, row] for row in range(NUM_ROWS)],
    }
)


def descending(rows):
    return [-value for value in rows["number"]]


def run(folder, *, rows=ROWS, labels=("cooking", "sailing"), **words):
    """The report of a run over the rows."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=400, num_labels=len(labels) or 1, **sizes))
    training = {"num_train_epochs": 1, "per_device_train_batch_size": 8, "precision": "fp32"}
    return finetune(
        {"training": {**training, "output_dir": str(folder)}, **words},
        model=model,
        train_dataset=rows,
        eval_dataset=rows.select(range(8)),
        processing_class=AutoTokenizer.from_pretrained(resolve("demo/tiny-bert")),
    ).report


@pytest.mark.parametrize(
    ("section", "easiest"),
    [
        ({"by": "column", "column": "number"}, [0, 1, 2, 3, 4]),
        ({"by": "column", "column": "number", "order": "hard_first"}, [0, 1, 2, 3, 4]),
        ({"by": "disagreement", "column": "ratings", "pace": "baby_steps"}, [0, 1, 2, 3, 4]),
        ({"by": "function", "function": f"{__name__}:descending"}, [39, 38, 37, 36, 35]),
        ({"by": "length", "pace": "one_pass"}, [0, 7, 14, 21, 28]),
    ],
)
def test_what_rows_say_of_themselves(section, easiest, tmp_path):
    report = run(tmp_path / "run", curriculum=section)
    found = report["techniques"]["curriculum"]
    assert any("20% of them at first, all after 50% of the training" in note for note in report["notes"])
    assert [row["row"] for row in found["scores"]["easiest"]] == easiest
    assert found["scores"]["easiest"][0]["text"] == ROWS[easiest[0]]["text"]
    assert sum(found["scores"]["counts"]) == NUM_ROWS
    assert found["fed_as_meant"] is True


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"curriculum": {"by": "column", "column": "numbr"}},
            r"curriculum\.column: there is no column numbr, .*Did",
        ),
        ({"curriculum": {"by": "column", "column": "gap"}}, "curriculum.column: column gap: train row 21: expected"),
        ({"curriculum": {"by": "column", "column": "label"}}, "train row 1: expected a finite number, found 'cooking'"),
        (
            {"curriculum": {"by": "column", "column": "same"}},
            "all 40 rows the same score, 1, so that",
        ),
        ({"curriculum": {"by": "loss"}}, "raise curriculum.end or training.num_train_epochs, or give a reference"),
        ({"curriculum": {"by": "loss", "reference": "nowhere"}}, "curriculum.reference"),
        (
            {"curriculum": {"by": "el2n", "brief": {"learning_rate": 1e30}}},
            "for the el2n of the training rows gives no finite numbers; take another reference, or a lower",
        ),
        (
            {"prune": {"by": "column", "column": "same", "keep": 0.5}},
            "prune.by: column gives all 40 rows the same score, 1, so that",
        ),
        ({"prune": {"by": "length", "keep": 0.01}}, "prune.keep: 0.01 of 40 rows leaves none"),
        (
            {"data": {"columns": {"label": "number"}}, "prune": {"by": "el2n", "brief": {}, "keep": 0.5}},
            "prune.by: el2n can't be told of a regression problem; take loss, length or rarity",
        ),
        (
            {"data": {"columns": {"label": "number"}}, "prune": {"by": "length", "keep": 0.5, "stratify": True}},
            "prune.stratify keeps a share of each class, and these rows have none",
        ),
        (
            {"data": {"columns": {"label": "number"}, "label_noise": 0.2}},
            "data.label_noise can't take effect: .* this is a regression problem",
        ),
    ],
)
def test_what_is_refused(words, message, tmp_path):
    labels = () if "data" in words else ("cooking", "sailing")
    with pytest.raises(HfEfficientError, match=message) as caught:
        run(tmp_path / "run", labels=labels, **words)
    assert "\n" not in str(caught.value)


def test_a_reference_of_other_labels_is_refused(tmp_path):
    rows = ROWS.remove_columns("label").add_column("label", ["red", "green"] * (NUM_ROWS // 2))
    with pytest.raises(HfEfficientError, match=r"has the labels cooking, sailing, and the data"):
        run(tmp_path / "run", rows=rows, curriculum={"by": "loss", "reference": teacher()})


def test_a_reference_reads_the_texts_in_its_own_tokens(tmp_path):
    references = {"same": teacher(), "other": with_other_tokens(tmp_path / "teacher")}
    rows = {}
    for name, reference in references.items():
        settings = {"curriculum": {"by": "el2n", "reference": reference}, "training.num_train_epochs": 1}
        recipe = smoke(tmp_path / name, settings)
        rows[name] = finetune(recipe).report["techniques"]["curriculum"]["scores"]["hardest"]
    # Its tokens are numbered backwards, and so are its embeddings: it says what it says of the same texts.
    assert [row["row"] for row in rows["other"]] == [row["row"] for row in rows["same"]]
    assert [row["score"] for row in rows["other"]] == pytest.approx([row["score"] for row in rows["same"]], abs=1e-5)


def test_pruning_keeps_what_the_scores_say(tmp_path):
    report = run(tmp_path / "run", prune={"by": "column", "column": "number", "keep": 0.25, "which": "easiest"})
    assert report["data"]["rows"]["train"] == 10
    assert "prune: 10 of 40 training rows are kept, the easiest by column" in report["notes"]


def test_words_of_sentences_are_ranked_by_a_short_training(tmp_path):
    rows = datasets.Dataset.from_list(sentences(40))
    words = {
        "task": "token-classification",
        "model": {"name": "demo/tiny-bert", "initialization": "random"},
        "curriculum": {"by": "margin", "brief": {"epochs": 1}},
        "prune": {"by": "forgetting", "brief": {"epochs": 3}, "keep": 0.5},
        "training": {"output_dir": str(tmp_path / "run"), "num_train_epochs": 2, "precision": "fp32"},
    }
    found = finetune(words, train_dataset=rows, eval_dataset=rows).report
    assert found["techniques"]["prune"]["kept_rows"] == 20
    pattern = r"prune: 20 of 40 .* by forgetting; its scores (took|were found, and had taken) \d+\.\d s of CPU"
    assert any(re.fullmatch(pattern, note) for note in found["notes"])
    assert sum(found["techniques"]["curriculum"]["scores"]["counts"]) == 20
    assert found["techniques"]["curriculum"]["fed_as_meant"] is True


def test_views_of_images_are_ranked_and_fed_as_meant(tmp_path):
    settings = {"augment": {"flip": {}}, "curriculum": {"by": "loss", "end": 1.0}, "training__num_train_epochs": 2}
    found = finetune(tiny_images.recipe(tmp_path, **settings)).report
    curriculum = found["techniques"]["curriculum"]
    assert curriculum["fed_as_meant"] is True
    assert sum(curriculum["scores"]["counts"]) == found["data"]["rows"]["train"]
    assert len(curriculum["epochs"]) == 2
    assert all(row["text"].endswith(".png") for row in curriculum["scores"]["hardest"])


def trainer_with(case, folder, *techniques, rows=None, **settings):
    trainer = EfficientTrainer(
        case.make_model(),
        arguments(str(folder), **settings),
        data_collator=case.collator,
        train_dataset=rows or case.rows(30),
        techniques=techniques,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


@pytest.mark.parametrize("by", ["length", "rarity"])
def test_the_trainer_alone(by, tmp_path):
    case = TokenCase("bert")
    trainer = trainer_with(case, tmp_path, Curriculum(by=by), Batching(), num_train_epochs=2)
    trainer.train()
    trainer.train()  # what an earlier training has left does not count
    [follow] = [callback for callback in trainer.callback_handler.callbacks if isinstance(callback, Follow)]
    assert [epoch["as_meant"] for epoch in follow.epochs] == [True, True]
    lengths = [len(row["input_ids"]) for row in case.rows(30)]
    if by == "length":
        assert follow.scores.tolist() == lengths


def test_the_trainer_alone_reads_a_column(tmp_path):
    case = TokenCase("bert")
    rows = [{name: value.tolist() for name, value in row.items()} for row in case.rows(30)]
    table = datasets.Dataset.from_list(rows).add_column("effort", list(range(30, 0, -1))).with_format("torch")
    trainer = trainer_with(case, tmp_path, Curriculum(by="column", column="effort"), rows=table, num_train_epochs=1)
    trainer.train()
    [follow] = [callback for callback in trainer.callback_handler.callbacks if isinstance(callback, Follow)]
    assert follow.order.ranks.tolist() == list(range(29, -1, -1))
    assert follow.epochs[0]["as_meant"] is True


def test_what_the_trainer_alone_can_not_do(tmp_path):
    case = TokenCase("bert")
    with pytest.raises(HfEfficientError, match="own rows; train by a recipe"):
        trainer_with(case, tmp_path, Curriculum(by="loss"))
    with pytest.raises(HfEfficientError, match="tokens sorts all rows of an epoch by length"):
        trainer_with(case, tmp_path, Curriculum(by="length"), Batching(padding="tokens", max_tokens=64))
    with pytest.raises(HfEfficientError, match=r"the rows are no datasets\.Dataset"):
        trainer_with(case, tmp_path, Prune(by="column", column="a", keep=0.5))
    assert len(trainer_with(case, tmp_path, Prune(by="length", keep=0.5)).train_dataset) == 15
