"""A short training, and what a model says of rows: computed, kept and found."""

from __future__ import annotations

import errno

import datasets
import numpy as np
import pytest
import torch

from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.losses import Batch, supervised_tokens
from hf_efficient.losses.difficulty import difficulty
from hf_efficient.models.brief import BriefTraining
from hf_efficient.models.scored_rows import find_scores, keep_scores, scores_key, scores_of_model
from hf_efficient.models.teacher import Teacher
from tests.tiny import TokenCase

CASE = TokenCase("bert")
LABELS = supervised_tokens()


def rows_of(count):
    rows = [{name: value.tolist() for name, value in row.items()} for row in CASE.rows(count)]
    return datasets.Dataset.from_list([{**row, "length": len(row["labels"])} for row in rows])


def collate(rows):
    return CASE.collator([{n: torch.tensor(v) for n, v in row.items() if n != "length"} for row in rows])


def brief(rows, epochs, model=None):
    lengths = np.asarray(rows["length"])
    return BriefTraining(
        model or CASE.make_model(), rows, collate, LABELS, lengths, epochs, 1e-2, 3, torch.device("cpu")
    )


def test_a_short_training_is_a_pure_function_of_its_seed():
    rows = rows_of(40)
    watched, models = [], [CASE.make_model(), CASE.make_model()]
    before = torch.get_rng_state()
    trained = [brief(rows, 1.5, model)(lambda step, *_: watched.append(step.tolist())) for model in models]
    assert torch.equal(torch.get_rng_state(), before)
    for name, weight in trained[0].state_dict().items():
        assert torch.equal(weight, trained[1].state_dict()[name])
    assert not trained[0].training
    # Of three steps an epoch, the last of 8 rows, five: each row once, then most of them again.
    assert [len(step) for step in watched[:5]] == [16, 16, 8, 16, 16]
    assert sorted(np.concatenate(watched[:3])) == list(range(40))
    assert watched[:5] == watched[5:]


def test_it_learns():
    rows = rows_of(40)
    args = type("Args", (), {"device": "cpu", "bf16": False, "fp16": False})

    def loss(model):
        return scores_of_model("loss", LABELS, Teacher.on(args, model), rows, collate).mean()

    assert loss(brief(rows, 10)()) < 0.9 * loss(CASE.make_model().eval())


def test_a_pass_over_sorted_rows_gives_the_scores_in_their_order():
    rows, model = rows_of(70), CASE.make_model().eval()  # more than a pass takes at a time
    asked = Teacher(model, torch.device("cpu"))
    scores = scores_of_model("margin", LABELS, asked, rows, collate)
    for number in (0, 13, 69):
        batch = collate([rows[number]])
        logits = model(**{name: value for name, value in batch.items() if name != "labels"})["logits"]
        alone = difficulty("margin", LABELS, Batch(batch, {"labels": batch["labels"]}, {"logits": logits.detach()}))
        assert scores[number] == pytest.approx(float(alone), abs=1e-6)


def test_answers_that_are_no_numbers_are_refused():
    model = CASE.make_model()
    model.classifier.bias.data.fill_(float("nan"))
    with pytest.raises(PlanError, match="for the loss of the training rows gives no finite numbers"):
        scores_of_model("loss", LABELS, Teacher(model, torch.device("cpu")), rows_of(4), collate)


def test_scores_are_found_while_they_are_whole(tmp_path):
    assert find_scores(tmp_path, "key", 3) is None
    kept = keep_scores(tmp_path, "key", lambda: np.asarray([1, 2, 3], dtype=np.float32))
    found = find_scores(tmp_path, "key", 3)
    assert found.scores.tolist() == [1, 2, 3]
    assert (kept.found, found.found) == (False, True)
    assert found.seconds == kept.seconds
    assert find_scores(tmp_path, "key", 4) is None
    (tmp_path / "key.npz").write_bytes((tmp_path / "key.npz").read_bytes()[:100])
    assert find_scores(tmp_path, "key", 3) is None


def test_a_folder_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HfEfficientError, match="the difficulty of rows can't be kept there"):
        keep_scores(tmp_path / "file", "key", lambda: np.zeros(1, dtype=np.float32))


def test_a_disk_that_is_full_keeps_no_part(tmp_path, monkeypatch):
    def savez(file, **arrays):
        file.write(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(HfEfficientError, match="No space left on device"):
        keep_scores(tmp_path, "key", lambda: np.zeros(1, dtype=np.float32))
    assert not list(tmp_path.iterdir())


def test_a_key_is_of_the_content():
    rows = rows_of(8)
    assert scores_key("m", rows, "loss") == scores_key("m", rows_of(8), "loss")
    assert scores_key("m", rows.select(range(4)), "loss") == scores_key("m", rows_of(4), "loss")
    others = [scores_key("m", rows, "el2n"), scores_key("n", rows, "loss"), scores_key("m", rows_of(7), "loss")]
    relabelled = rows.remove_columns("labels").add_column("labels", [[0] * n for n in rows["length"]])
    assert len({scores_key("m", rows, "loss"), *others, scores_key("m", relabelled, "loss")}) == 5
