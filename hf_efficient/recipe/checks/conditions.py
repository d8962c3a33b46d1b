"""What checks of several families ask of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe


def labels_words(recipe: Recipe) -> bool:
    """Whether each word has a label."""
    return recipe.task.type == "token-classification"


def has_targets(recipe: Recipe) -> bool:
    """Whether each text has another one as its target."""
    return recipe.task.type == "text2text-generation"


def is_language_model(recipe: Recipe) -> bool:
    """Whether each token is predicted from those before it."""
    return recipe.task.type == "text-generation"


def generates(recipe: Recipe) -> bool:
    """Whether the model writes texts."""
    return has_targets(recipe) or is_language_model(recipe)


def has_labels(recipe: Recipe) -> bool:
    """Whether rows or words have labels."""
    return not generates(recipe)


def reads_images(recipe: Recipe) -> bool:
    """Whether rows are images."""
    return recipe.task.type == "image-classification"


def reads_text(recipe: Recipe) -> bool:
    """Whether rows are texts."""
    return not reads_images(recipe)


def single_label(recipe: Recipe) -> bool:
    """Whether what has a label has one of several classes, as far as the recipe says."""
    return recipe.task.problem in ("auto", "single_label")


def classifies(recipe: Recipe) -> bool:
    """Whether each row has one class."""
    is_classification = recipe.task.type in ("text-classification", "image-classification")
    return is_classification and single_label(recipe) and not isinstance(recipe.data.columns.label, tuple)


def in_memory(recipe: Recipe) -> bool:
    """Whether all rows are read before training."""
    return not recipe.data.streaming
