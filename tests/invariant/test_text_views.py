"""Runs on views of texts that must agree, however they are split; that they resume is in the technique table."""

from __future__ import annotations

import pytest

from tests.processes import run_processes
from tests.runs import losses, smoke, train
from tests.tiny_lexicon import write_lexicon

pytestmark = pytest.mark.usefixtures("own_cache")

SETTINGS = {
    "model.config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    "batching.padding": "bucketed",
    "augment.random_swap": {},
    "augment.random_delete": {},
    "augment.keyboard": {},
    "augment.copies": 2,
    "augment.originals": False,
    "training.num_train_epochs": 2,
    "training.save_strategy": "no",
    "training.eval_strategy": "no",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a lexicon."""
    folder = tmp_path_factory.mktemp("views")
    write_lexicon(folder / "lexicon")
    return folder


def trained(folder, name, settings):
    """Losses of a run in a directory of its own."""
    insert = {"augment.random_insert": {"lexicon": str(folder / "lexicon")}}
    return losses(train(smoke(folder / name, {**SETTINGS, **insert, **settings})))


@pytest.fixture(scope="module")
def whole(folder):
    return trained(folder, "whole", {})


def test_epochs_are_of_views_alone(whole):
    assert len(whole) == 2 * 12  # two views of 48 rows, 8 to a step


def test_workers_feed_the_same_views(folder, whole):
    assert trained(folder, "workers", {"training.dataloader_num_workers": 1}) == whole


def test_views_do_not_depend_on_how_a_step_is_split(folder, whole):
    split = {"training.per_device_train_batch_size": 2, "training.gradient_accumulation_steps": 4}
    assert trained(folder, "split", split) == pytest.approx(whole, rel=1e-4)


def test_two_processes_train_as_one(folder, whole):
    settings = {"training.per_device_train_batch_size": 4}
    for found in run_processes(2, trained, folder, "two", settings):
        assert found == pytest.approx(whole, rel=1e-4)


def test_epochs_differ_only_where_views_are_fresh(folder):
    """The learning rate is 0 but for rounding, and all views make one step."""
    still = {"training.per_device_train_batch_size": 96, "training.learning_rate": 1e-30}
    fresh = trained(folder, "fresh", still)
    fixed = trained(folder, "fixed", {**still, "augment.views": "fixed"})
    assert fixed == pytest.approx([fresh[0]] * 2, rel=1e-6)
    assert fresh[1] != pytest.approx(fresh[0], rel=1e-6)
