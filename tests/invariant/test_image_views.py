"""Runs on views of images that must agree: resumed or not, however they are split, with or without an effect."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hf_efficient.errors import PlanError
from tests import tiny_images
from tests.processes import run_processes
from tests.runs import CutOffError, losses, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")

EVERYTHING = {
    "augment": {
        "crop": {},
        "flip": {},
        "rotation": {},
        "affine": {},
        "perspective": {},
        "rand_augment": {},
        "trivial_augment": {},
        "color_jitter": {"hue": 0.1},
        "blur": {},
        "noise": {},
        "erasing": {},
        "mixup": {"alpha": 0.5},
        "cutmix": {},
        "originals": True,
    }
}
ANEW = "can't take effect: each epoch draws its images anew; .* fixed"
SHORT = {"training__num_train_epochs": 2, "training__save_strategy": "no", "training__eval_strategy": "no"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model and images."""
    folder = tmp_path_factory.mktemp("images")
    tiny_images.recipe(folder)
    return folder


def trained(folder, **settings):
    """Losses of a short run in a directory of its own."""
    shutil.rmtree(Path(folder) / "run", ignore_errors=True)
    return losses(train(tiny_images.recipe(Path(folder), **{**SHORT, **settings})))


@pytest.fixture(scope="module")
def plain(folder):
    return trained(folder)


@pytest.fixture(scope="module")
def augmented(folder):
    return trained(folder, **EVERYTHING)


def test_originals_double_the_steps_and_views_change_the_run(folder, plain, augmented):
    control = trained(folder, augment={**EVERYTHING["augment"], "control": True})
    assert len(augmented) == len(control) == 2 * len(plain)
    assert augmented != pytest.approx(control, rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": {"flip": {"probability": 0.0}}},
        {"augment": {"mixup": {"probability": 0.0}, "cutmix": {"probability": 0.0}}},
        {"augment": {"flip": {}, "mixup": {}, "control": True}},
        {"augment": {"crop": {"scale": [1.0, 1.0], "ratio": [1.0, 1.0]}, "views": "fixed"}},
    ],
)
def test_a_neutral_setting_gives_the_plain_run(settings, folder, plain):
    assert trained(folder, **settings) == plain


def test_workers_draw_the_same_views(folder, augmented):
    assert trained(folder, **EVERYTHING, training__dataloader_num_workers=2) == augmented


def test_views_do_not_depend_on_how_a_step_is_split(folder, augmented):
    split = {"training__per_device_train_batch_size": 2, "training__gradient_accumulation_steps": 4}
    assert trained(folder, **EVERYTHING, **split) == pytest.approx(augmented, rel=1e-4)


def test_two_processes_train_as_one(folder, augmented, tmp_path):
    shutil.copytree(folder, tmp_path / "two", ignore=shutil.ignore_patterns("run"))
    settings = {**EVERYTHING, "training__per_device_train_batch_size": 4}
    for found in run_processes(2, in_process, str(tmp_path / "two"), settings):
        assert found == pytest.approx(augmented, rel=1e-4)


def in_process(folder, settings):
    return losses(train(tiny_images.recipe(Path(folder), **{**SHORT, **settings})))


def test_a_run_cut_off_resumes_bit_for_bit(folder, tmp_path):
    settings = {**EVERYTHING, "training__save_strategy": "steps", "training__save_steps": 3}
    settings["training__dataloader_num_workers"] = 2
    settings["training__num_train_epochs"] = 2
    whole, cut = (
        tiny_images.recipe(folder, **settings, training__output_dir=str(tmp_path / name)) for name in ("whole", "cut")
    )
    expected = losses(train(whole))
    with pytest.raises(CutOffError):
        train(cut, interrupt_at=11)  # within the second epoch
    resumed = train(cut)
    assert resumed.resumed_from_step == 9
    assert losses(resumed) == expected
    for name, value in weights(whole).items():
        assert np.array_equal(weights(cut)[name], value), name


def test_epochs_differ_only_where_views_are_fresh(folder):
    """The learning rate is 0 but for rounding, and the batch is the whole of the rows."""
    still = {"training__per_device_train_batch_size": 32, "training__learning_rate": 1e-30}
    augment = {"noise": {"sigma": 0.5, "probability": 1.0}}
    fresh = trained(folder, **still, augment=augment)
    fixed = trained(folder, **still, augment={**augment, "views": "fixed"})
    assert fresh[0] == fixed[0] == pytest.approx(fixed[1], rel=1e-6)
    assert fresh[1] != pytest.approx(fresh[0], rel=1e-6)


def test_the_seed_decides_the_views(folder):
    """Of a run that sees every row in one step, only the views depend on the seed of the data."""
    settings = {"training__per_device_train_batch_size": 32, "training__num_train_epochs": 1}
    settings["augment"] = {"noise": {"sigma": 0.5}}
    first, again, other = (trained(folder, **settings, training__data_seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != pytest.approx(other, rel=1e-6)


def test_a_teacher_answers_to_mixed_images(folder, tmp_path):
    teacher = tiny_images.recipe(folder, training__output_dir=str(tmp_path / "teacher"))
    train(teacher)
    taught = {"distill.teacher": str(tmp_path / "teacher" / "model")}
    fixed = {"augment": {"mixup": {}, "views": "fixed"}}
    kept = trained(folder, **taught, **fixed, **{"distill.cache": True})
    asked = trained(folder, **taught, **fixed, **{"distill.cache": False})
    assert kept == pytest.approx(asked, rel=1e-5)
    with pytest.raises(
        PlanError, match=r"distill\.cache can't take effect: each epoch draws its images anew; .* fixed"
    ):
        trained(folder, **taught, augment={"mixup": {}}, **{"distill.cache": True})
    assert all(np.isfinite(trained(folder, **taught, augment={"mixup": {}})))


@pytest.mark.parametrize(
    ("settings", "num_steps"),
    [
        ({"curriculum.by": "loss", "curriculum.brief": {}}, 16),
        ({"prune.keep": 0.5, "prune.by": "el2n", "prune.brief": {}, "prune.stratify": True}, 8),
        ({"freeze.layers": "all", "freeze.unfreeze": {"every_steps": 4}}, 16),
        ({"peft.method": "lora"}, 16),
        ({"training.per_device_train_batch_size": "auto", "training.effective_batch_size": 8}, 16),
        ({"data.label_noise": 0.2, "task.class_weights": "balanced", "training.label_smoothing_factor": 0.1}, 16),
    ],
)
def test_other_techniques_take_views(settings, num_steps, folder):
    """32 images and as many views make 8 steps of an epoch, of which there are two; pruning leaves half."""
    mixed = {} if "curriculum.by" in settings else {"mixup": {}}  # partners may be rows that are held back
    found = trained(folder, augment={"crop": {}, **mixed, "originals": True}, **settings)
    assert len(found) == num_steps
    assert all(np.isfinite(found))


def test_hidden_states_are_kept_of_fixed_views_only(folder):
    frozen = {"freeze.layers": 1, "freeze.cache": True}
    with pytest.raises(PlanError, match=rf"freeze\.cache {ANEW}"):
        trained(folder, **frozen, augment={"flip": {}})
    fixed = {"augment": {"crop": {}, "cutmix": {}, "views": "fixed"}}
    computed = trained(folder, **fixed, **{**frozen, "freeze.cache": False})
    assert trained(folder, **fixed, **frozen) == pytest.approx(computed, rel=1e-5)
