"""What is noted of the rows that are fed, epoch by epoch, without a trainer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hf_efficient.data.fed import digest_of, rows_of_process
from hf_efficient.data.order import CurriculumOrder
from hf_efficient.errors import PlanError
from hf_efficient.losses import Batch, Rows, supervised
from hf_efficient.models.scored_rows import Scored
from hf_efficient.recipe import Curriculum
from hf_efficient.techniques.curriculum import pace_of
from hf_efficient.techniques.curriculum.follow import Follow

ARGS = SimpleNamespace(
    train_batch_size=4,
    gradient_accumulation_steps=1,
    world_size=1,
    process_index=0,
    max_steps=-1,
    num_train_epochs=3,
    dataloader_drop_last=False,
)
SCORES = np.arange(20, dtype=np.float32)
LENGTH = Curriculum(by="length")


def begun(section=LENGTH, scores=SCORES, stored=None, step=0, **others):
    order = CurriculumOrder(len(scores), pace_of(section), num_epochs=1, seed=0)
    follow = Follow(order, section, lambda: Scored(scores, 2.0, 1.0), **others)
    if stored is not None:
        follow.load_state(stored)
    follow.on_train_begin(ARGS, SimpleNamespace(global_step=step), None, model=None)
    return follow


def epoch(follow, number, rows=None, share=1.0):
    """Feed an epoch, or a share of it: the rows that are meant, or these."""
    follow.on_epoch_begin(ARGS, SimpleNamespace(epoch=float(number)), None)
    batches = rows if rows is not None else follow.order.rows()[: int(20 * share)].reshape(-1, 4)
    for few in batches:
        follow.on_rows(torch.tensor(few))


def end(follow, at):
    follow.on_train_end(ARGS, SimpleNamespace(epoch=at), None)
    return follow.epochs


def test_a_whole_epoch_and_a_part_of_one():
    follow = begun()
    epoch(follow, 0)
    epoch(follow, 1, share=0.4)
    first, second = end(follow, 1.4)
    follow.order.set_epoch(0)
    rows = follow.order.rows()
    assert first["order"] == digest_of(rows)
    chain = ""
    for few in rows.reshape(-1, 4):
        chain = digest_of(few, chain)
    assert first["fed"] == [chain]
    assert first["available"] == [[0.0, 0.2], [0.0, 0.8]]
    assert first["as_meant"] is second["as_meant"] is True
    assert follow.scored.seconds == 2.0


@pytest.mark.parametrize("rows", [np.arange(20).reshape(-1, 4), np.arange(20).reshape(-1, 4)[:3]])
def test_other_rows_and_fewer(rows):
    follow = begun()
    epoch(follow, 2, rows)  # all are available: a permutation of them
    assert end(follow, 3.0)[0]["as_meant"] is False


def test_an_epoch_that_lacks_its_end():
    follow = begun()
    epoch(follow, 0, share=0.8)
    epoch(follow, 1)
    assert [each["as_meant"] for each in end(follow, 2.0)] == [False, True]


def test_what_nobody_was_told_is_not_known():
    follow = begun()
    epoch(follow, 0, [])
    assert end(follow, 1.0)[0] | {"fed": [None], "as_meant": None} == follow.epochs[0]


def test_it_goes_on_in_the_middle_of_an_epoch():
    whole, cut = begun(), begun()
    epoch(whole, 0)
    epoch(cut, 0, share=0.4)
    cut.before_save()
    resumed = begun(scores=np.zeros(20), stored=cut.state()["attributes"], step=2)  # which are not asked for
    epoch(resumed, 0, whole.order.rows()[8:].reshape(-1, 4))
    assert end(resumed, 1.0) == end(whole, 1.0)
    assert resumed.scored.cpu_seconds == 1.0


def test_what_another_number_of_processes_was_fed_is_not_known():
    cut = begun()
    epoch(cut, 0, share=0.4)
    cut.before_save()
    stored = cut.state()["attributes"]
    stored["fed"] *= 2
    resumed = begun(stored=stored, step=2)
    epoch(resumed, 0, share=0.6)
    epoch(resumed, 1)
    assert [each["as_meant"] for each in end(resumed, 2.0)] == [None, True]


def test_what_the_training_tells_ranks_the_next_epoch():
    section, labels = Curriculum(by="el2n", end=1.0), supervised("single_label_classification")
    follow = begun(section, labels=labels)
    follow.scores = None
    follow.on_epoch_begin(ARGS, SimpleNamespace(epoch=0.0), None)
    for step, (right, wrong) in enumerate([(5, 7), (9, 5)]):
        follow.on_step_begin(ARGS, SimpleNamespace(global_step=step), None)
        logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
        side = {"labels": torch.zeros(2, dtype=torch.int64), "row_number": torch.tensor([right, wrong])}
        follow.on_losses(Batch({}, side, {"logits": logits}), Rows(*[torch.zeros(2)] * 3))
    follow.on_epoch_begin(ARGS, SimpleNamespace(epoch=1.0), None)
    # What was seen last counts; of a third of the training 20 % and more are available.
    assert follow.scores[[5, 7, 9, 0]].tolist() == pytest.approx([1, 1, -1, 0])
    assert set(follow.order.ranks[-2:]) == {5, 7}
    assert follow.order.ranks[0] == 9
    assert follow.order.available(0)[1] < 20


@pytest.mark.parametrize(("drop_last", "expected"), [(False, 2.0), (True, 3.0)])
def test_epochs_of_a_number_of_steps(drop_last, expected):
    """Of 20 rows in steps of 8 an epoch has three, or two whole ones."""
    order = CurriculumOrder(20, pace_of(LENGTH), num_epochs=1, seed=0)
    args = SimpleNamespace(**vars(ARGS) | {"max_steps": 6, "train_batch_size": 8, "dataloader_drop_last": drop_last})
    follow = Follow(order, LENGTH, lambda: Scored(SCORES, 2.0, 1.0))
    follow.on_train_begin(args, SimpleNamespace(global_step=0), None, model=None)
    assert order.num_epochs == expected


@pytest.mark.parametrize("pace", ["one_pass", "baby_steps", "step"])
def test_stages_that_would_be_skipped_are_refused(pace):
    # Three epochs, of which half have ten blocks each.
    begun(Curriculum(by="length", pace=pace, stages=15))
    with pytest.raises(PlanError, match=r"curriculum.stages: 16 stages of pace: .* do not fit into 1.5 epochs"):
        begun(Curriculum(by="length", pace=pace, stages=16), scores=np.full(20, 3.0))  # before a row is scored


def test_rows_without_an_order_are_refused():
    with pytest.raises(PlanError, match="all 20 rows the same score, 3"):
        begun(scores=np.full(20, 3.0, dtype=np.float32))


def test_the_rows_of_a_process_are_made_anew():
    follow = begun()
    epoch(follow, 2)
    rows = rows_of_process(follow.order, 2, None, follow._split, 0, seed=0, drop_last=False)
    assert rows.tolist() == follow.order.rows().tolist()
