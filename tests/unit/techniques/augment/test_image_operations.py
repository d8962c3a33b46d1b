"""Operations on images of a few pixels, against pixels worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hf_efficient.techniques.augment.images import operations

RAMP = [[0, 10, 20], [30, 40, 50], [60, 70, 80]]
WHOLE = ((0, 0), (3, 0), (3, 3), (0, 3))


def grey(pixels):
    return Image.fromarray(np.asarray(pixels, dtype=np.uint8))


def pixels(image):
    return np.asarray(image).tolist()


def test_mirrors():
    assert pixels(operations.flip(grey(RAMP), "horizontal")) == [[20, 10, 0], [50, 40, 30], [80, 70, 60]]
    assert pixels(operations.flip(grey(RAMP), "vertical")) == [[60, 70, 80], [30, 40, 50], [0, 10, 20]]


def test_a_part_is_brought_to_the_size_of_the_whole():
    """Between pixels: the first column lies a quarter of one beyond the part's edge, where 1 is, the last row too."""
    image = grey([[1, 1, 9, 9], [1, 1, 9, 9], [5, 5, 5, 5], [5, 5, 5, 5]])
    assert pixels(operations.crop(image, (2, 0, 4, 2))) == [[7, 9, 9, 9]] * 3 + [[7, 8, 8, 8]]


def test_an_affine_change_of_nothing_leaves_the_image():
    assert pixels(operations.affine(grey(RAMP))) == RAMP


def test_a_quarter_turn_is_clockwise_about_the_centre():
    assert pixels(operations.affine(grey(RAMP), degrees=90)) == [[60, 30, 0], [70, 40, 10], [80, 50, 20]]


def test_a_shift_goes_right_and_down_and_leaves_the_fill():
    moved = operations.affine(grey(RAMP), translate=(1, 2), fill=7)
    assert pixels(moved) == [[7, 7, 7], [7, 7, 7], [7, 0, 10]]


def test_scaling_enlarges_about_the_centre():
    image = grey([[0, 0, 0, 0], [0, 9, 9, 0], [0, 9, 9, 0], [0, 0, 0, 0]])
    assert pixels(operations.affine(image, scale=0.5))[0] == [0, 0, 0, 0]
    assert pixels(operations.affine(image, scale=4.0)) == [[9] * 4] * 4


def test_a_shear_moves_rows_against_each_other():
    """A row's x grows by its distance below the centre: the upper row goes left, the lower one right."""
    assert pixels(operations.affine(grey(RAMP), shear=(1.0, 0.0))) == [[10, 20, 0], [30, 40, 50], [0, 60, 70]]


def test_a_perspective_of_nothing_leaves_the_image():
    assert pixels(operations.perspective(grey(RAMP), WHOLE)) == RAMP


def test_a_perspective_puts_each_corner_where_it_is_told():
    image = grey(np.full((8, 8), 200))
    seen = np.asarray(operations.perspective(image, ((4, 0), (8, 0), (8, 8), (0, 8)), fill=1))
    assert seen[0].tolist()[:4] == [1, 1, 1, 1]
    assert seen[0, 5] == 200
    assert (seen[7, 1:] == 200).all()


def test_colours_fill_every_channel():
    image = Image.new("RGB", (3, 3), (10, 20, 30))
    assert pixels(operations.affine(image, translate=(3, 0), fill=9)) == [[[9, 9, 9]] * 3] * 3


@pytest.mark.parametrize(
    ("what", "factor", "expected"),
    [("brightness", 0.5, (50, 30, 5)), ("contrast", 0.0, (66, 66, 66)), ("saturation", 0.0, (66, 66, 66))],
)
def test_colours_are_scaled(what, factor, expected):
    image = Image.new("RGB", (2, 2), (100, 60, 10))  # grey: 0.299 × 100 + 0.587 × 60 + 0.114 × 10 = 66.3
    assert operations.enhance(image, what, factor).getpixel((0, 0)) == expected


def test_a_third_of_the_circle_turns_red_into_green():
    assert operations.shift_hue(Image.new("RGB", (1, 1), (255, 0, 0)), 1 / 3).getpixel((0, 0)) == (0, 255, 0)
    assert pixels(operations.shift_hue(grey(RAMP), 0.3)) == RAMP


def test_a_blur_spreads_a_point_evenly():
    image = np.zeros((5, 5), dtype=np.uint8)
    image[2, 2] = 250
    blurred = np.asarray(operations.blur(grey(image), 1.0))
    assert 0 < blurred[2, 1] < blurred[2, 2] < 250
    assert blurred[1, 2] == blurred[2, 1] == blurred[2, 3]


def test_noise_is_added_rounded_and_kept_within_limits():
    noise = np.asarray([[2.6, -3, 300]], dtype=np.float32)
    assert pixels(operations.add_noise(grey([[10, 1, 9]]), noise)) == [[13, 0, 255]]


def test_a_patch_covers_what_is_below_it_and_nothing_else():
    image = grey(RAMP)
    assert pixels(operations.paste(image, grey([[1, 2]]), (1, 2))) == [[0, 10, 20], [30, 40, 50], [60, 1, 2]]
    assert pixels(image) == RAMP


def test_fewer_bits_inverted_values_and_spread_values():
    image = grey([[0, 63, 64, 255]])
    assert pixels(operations.posterize(image, 2)) == [[0, 0, 64, 192]]
    assert pixels(operations.solarize(image, 64)) == [[0, 63, 191, 0]]
    assert pixels(operations.solarize(image, 256)) == [[0, 63, 64, 255]]
    assert pixels(operations.autocontrast(grey([[100, 110, 120]])))[0] == [0, 127, 255]
    spread = np.asarray(operations.equalize(grey(np.repeat([[1, 2, 3, 4]], 1024 // 4, axis=0))))
    assert spread[0].tolist() == [0, 85, 171, 255]
