"""What is drawn: limits, probabilities, and that a seed decides all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hf_efficient.recipe import augment_images as words
from hf_efficient.techniques.augment.images import policies
from hf_efficient.techniques.augment.images.mixing import Mixing
from hf_efficient.techniques.augment.images.transforms import Transform, draw_box

ALL = (
    words.Crop(),
    words.Flip(),
    words.Rotation(),
    words.Affine(degrees=10.0, shear=5.0),
    words.Perspective(),
    words.RandAugment(),
    words.TrivialAugment(),
    words.ColorJitter(hue=0.1),
    words.Blur(),
    words.Noise(),
    words.Erasing(),
)


def image(mode, size=(12, 9), seed=0):
    width, height = size
    shape = (height, width) if mode == "L" else (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8))


def generator(*seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("section", ALL, ids=lambda section: type(section).__name__)
def test_a_change_keeps_size_and_mode_and_is_decided_by_its_seed(section, mode):
    given, change = image(mode), Transform.of([section])
    views = [change(given, generator(seed)) for seed in range(12)]
    assert {(view.mode, view.size) for view in views} == {(mode, (12, 9))}
    assert [view.tobytes() for view in views] == [change(given, generator(seed)).tobytes() for seed in range(12)]
    assert len({view.tobytes() for view in views}) > 1
    assert given.tobytes() == image(mode).tobytes()


@pytest.mark.parametrize("section", ALL, ids=lambda section: type(section).__name__)
def test_an_image_of_one_pixel_is_no_exception(section):
    change = Transform.of([section.model_copy(update={"probability": 1.0})])
    assert all(change(image("RGB", (1, 1)), generator(seed)).size == (1, 1) for seed in range(30))


@pytest.mark.parametrize("section", ALL, ids=lambda section: type(section).__name__)
def test_a_probability_of_0_leaves_every_image(section):
    change = Transform.of([section.model_copy(update={"probability": 0.0})])
    assert all(change(given, generator(0)) is given for given in (image("L"), image("RGB")))


def test_a_probability_is_the_share_of_images_that_change():
    change, given = Transform.of([words.Flip(probability=0.3)]), image("L")
    changed = sum(change(given, generator(seed)) is not given for seed in range(1000))
    assert 250 < changed < 350  # three standard deviations are 43


def test_changes_are_made_in_one_order_whatever_that_of_the_recipe():
    given = image("RGB")
    forwards, backwards = Transform.of(ALL), Transform.of(reversed(ALL))
    assert forwards(given, generator(3)).tobytes() == backwards(given, generator(3)).tobytes()


def test_either_direction_is_drawn():
    given = image("L")
    change = Transform.of([words.Flip(probability=1.0, direction="either")])
    views = {change(given, generator(seed)).tobytes() for seed in range(20)}
    mirrored = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
    assert views == {given.transpose(how).tobytes() for how in mirrored}


def test_a_box_has_its_share_and_ratio_where_they_fit():
    left, upper, right, lower = draw_box((40, 20), 0.25, 2.0, generator(0))
    assert (right - left, lower - upper) == (20, 10)
    left, upper, right, lower = draw_box((40, 20), 0.25, 1.0, generator(0), of_image=True)
    assert (right - left, lower - upper) == (20, 10)


def test_a_box_lies_within_the_image():
    for seed in range(200):
        left, upper, right, lower = draw_box((7, 5), 0.9, 3.0, generator(seed))
        assert 0 <= left < right <= 7
        assert 0 <= upper < lower <= 5


def test_erasing_fills_one_rectangle():
    given = Image.new("L", (20, 20), 100)
    erased = np.asarray(Transform.of([words.Erasing(probability=1.0, fill=3)])(given, generator(1)))
    rows, columns = np.nonzero(erased == 3)
    assert 0.01 < (erased == 3).mean() < 0.4
    assert (erased[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] == 3).all()
    assert set(np.unique(erased)) == {3, 100}


def test_a_policy_of_strength_0_changes_no_more_than_contrast():
    """Of all operations, only the two without a strength may change an image then."""
    given = Image.fromarray(np.random.default_rng(0).integers(50, 90, size=(32, 32, 3), dtype=np.uint8))
    unchanged = [
        number
        for number, operation in enumerate(policies.OPERATIONS)
        if operation.apply(given, 0.0 * operation.most, 0).tobytes() == given.tobytes()
    ]
    assert unchanged == list(range(12))
    assert len(policies.OPERATIONS) == 14


def test_mixup_blends_by_the_share_that_it_tells():
    mixed = Mixing((words.MixUp(alpha=1.0),))(
        Image.new("L", (2, 2), 200), lambda: Image.new("L", (2, 2), 0), generator(0)
    )
    assert 0.05 < mixed.share < 0.95
    assert mixed.image.getpixel((0, 0)) == pytest.approx(200 * mixed.share, abs=1)


def test_cutmix_tells_the_share_of_pixels_that_are_left():
    own, other = Image.new("L", (8, 6), 200), Image.new("L", (8, 6), 50)
    for seed in range(20):
        mixed = Mixing((words.CutMix(),))(own, lambda: other, generator(seed))
        assert mixed.share == pytest.approx((np.asarray(mixed.image) == 200).mean())


def test_partners_are_brought_to_the_size_and_colours_of_the_image():
    mixed = Mixing((words.MixUp(alpha=1.0),))(image("L", (8, 6)), lambda: image("RGB", (3, 5)), generator(0))
    assert (mixed.image.size, mixed.image.mode) == ((8, 6), "L")


def test_nobody_is_asked_for_a_partner_where_nothing_is_mixed():
    given = image("L")
    mixed = Mixing((words.MixUp(probability=0.0),))(given, lambda: pytest.fail("a partner was read"), generator(0))
    assert mixed.image is given
    assert mixed.share == 1.0


def test_of_two_ways_of_mixing_one_is_drawn():
    own, other = Image.new("L", (8, 8), 200), Image.new("L", (8, 8), 0)
    mixing = Mixing((words.MixUp(alpha=1.0), words.CutMix()))
    values = [set(np.unique(np.asarray(mixing(own, lambda: other, generator(s)).image)).tolist()) for s in range(40)]
    cut = sum(found <= {0, 200} for found in values)
    assert 8 < cut < 32
