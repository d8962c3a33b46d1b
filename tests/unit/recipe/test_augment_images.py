"""The words of the `augment:` section for images."""

from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Recipe
from hf_efficient.recipe.augment import Augment

WORDS = {"task": "image-classification", "model": {"name": "a"}, "data": {"name": "b"}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("augment={flipp: {}}", "augment.flipp is not a setting. Did you mean augment.flip?"),
        ("augment.mixup.alpa=1", "augment.mixup.alpa is not a setting. Did you mean augment.mixup.alpha?"),
        ("augment.flip=true", "augment.flip must be a mapping of settings or null, found true."),
        (
            "augment={flip: {direction: up}}",
            "augment.flip.direction must be one of horizontal, vertical, either, found the word up.",
        ),
        (
            "augment.flip.probability=2",
            "augment.flip.probability must be a number of at least 0 and of at most 1, found the number 2.",
        ),
        (
            "augment={crop: {scale: [0.5, 2]}}",
            "augment.crop.scale can't be used: expected a range up to 1 at most, found 0.5 to 2.",
        ),
        (
            "augment={erasing: {ratio: [0, 1]}}",
            "augment.erasing.ratio can't be used: expected a range above 0, found 0 to 1.",
        ),
        (
            "augment={affine: {scale: [2, 1]}}",
            "augment.affine.scale can't be used: expected the lower end first, found 2 before 1.",
        ),
        ("augment={affine: {scale: [2]}}", "augment.affine.scale must be a list of 2 numbers, found the list [2]."),
        (
            "augment.erasing.fill=nois",
            "augment.erasing.fill must be noise or a whole number of at least 0 and of at most 255, found the word "
            "nois. Did you mean noise?",
        ),
        (
            "augment.random_swap.share=0.1",
            "augment.random_swap can't take effect: it changes texts, and the task reads images; take it out.",
        ),
    ],
)
def test_wrong_words_are_refused_in_one_line(overrides, message):
    with pytest.raises(RecipeError) as error:
        Recipe.from_mapping(WORDS, [overrides])
    assert str(error.value) == f"command line: {message}"


def test_images_come_as_their_views_alone_unless_originals_are_wanted():
    assert not Augment(flip={}).originals
    assert Augment(flip={}, originals=True).originals
    assert Augment(random_swap={}).originals


def test_a_dumped_recipe_loads_to_an_equal_one(tmp_path):
    recipe = Recipe.from_mapping(WORDS, ["augment={flip: {}, crop: {scale: [0.3, 1]}, mixup: {}}"])
    (tmp_path / "a.yaml").write_text(recipe.dump())
    assert Recipe.load(tmp_path / "a.yaml") == recipe
