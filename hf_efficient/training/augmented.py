"""What `augment:` makes of the training rows, without a model and without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hf_efficient import tasks
from hf_efficient.data import load_tables
from hf_efficient.data.randomness import data_seed
from hf_efficient.data.train_rows import TrainRows
from hf_efficient.errors import RecipeError
from hf_efficient.recipe.packages import require_packages
from hf_efficient.techniques import check_techniques, prepare_rows
from hf_efficient.techniques.augment.augmenters import make_augmenters
from hf_efficient.techniques.augment.how_many import rows_of_copies
from hf_efficient.techniques.augment.label_keep import keeper_of
from hf_efficient.techniques.augment.rows import columns_of, make_views, with_labels_kept
from hf_efficient.training.train_rows import noisy

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.augment import Augment
    from hf_efficient.techniques.augment.texts import Augmenter


@dataclass(frozen=True)
class View:
    """A row as an augmenter has made it."""

    augmenter: str
    texts: tuple[str, ...]
    """A text, or the two of a pair."""


@dataclass(frozen=True)
class Shown:
    """A training row beside its views of the first epoch."""

    number: int
    """From 0, in the table of training rows."""
    texts: tuple[str, ...]
    views: tuple[View, ...]


def augmented_rows(recipe: Recipe) -> TrainRows:
    """The training rows of the first epoch, with their views.

    Raises:
        HfEfficientError: whatever would stop the run before a row is encoded.
    """
    section, rows = read_rows(recipe)
    return prepare_rows(rows, [section])


def shown_rows(recipe: Recipe, num_rows: int) -> list[Shown]:
    """Some of the rows of which views are made, spread over the table, beside these views.

    Raises:
        HfEfficientError: whatever would stop the run before a row is encoded.
    """
    section, rows = read_rows(recipe)
    copies = rows_of_copies(rows, section)
    with_views = copies[0] if copies else np.arange(0)
    spread = np.linspace(0, len(with_views) - 1, min(num_rows, len(with_views))).round().astype(np.int64)
    chosen = with_views[spread]
    views: dict[int, list[View]] = {number: [] for number in chosen.tolist()}
    control: dict[str, Augmenter] = {"control": lambda column, rows, draws: column}
    augmenters = control if section.control else make_augmenters(section.text_augmenters, rows.place)
    keeper = keeper_of(section, rows)
    for copy, has_view in enumerate(copies):
        numbers = chosen[np.isin(chosen, has_view)]
        if not len(numbers):
            break
        made = with_labels_kept(make_views(rows, numbers, augmenters, 0, copy), rows.table.select(numbers), keeper)
        for number, name, texts in zip(numbers.tolist(), made.by, _texts(rows, made.table), strict=True):
            views[number].append(View(name, texts))
    shown = zip(chosen.tolist(), _texts(rows, rows.table.select(chosen)), strict=True)
    return [Shown(number, texts, tuple(views[number])) for number, texts in shown]


def read_rows(recipe: Recipe) -> tuple[Augment, TrainRows]:
    """The section, and the training rows of which views are to be made.

    Raises:
        HfEfficientError: whatever would stop the run before a row is encoded.
    """
    if recipe.augment is None:
        raise RecipeError(
            f"{recipe.place('augment')}: expected an augmenter, found none; name one: augment.random_swap.share=0.1"
        )
    require_packages(recipe)
    check_techniques([recipe.augment], recipe.place)
    tables = load_tables(recipe.data, recipe.place, tasks.rules_of(recipe.task))
    task = tasks.learn(recipe.task, recipe.data, tables, recipe.place)
    seed = data_seed(recipe.training)
    rows = TrainRows(tables["train"], task.columns, seed=seed, place=recipe.place, task=task)
    return recipe.augment, noisy(rows, recipe)


def _texts(rows: TrainRows, table: Dataset) -> list[tuple[str, ...]]:
    """The text of each row, or both of a pair; words are joined."""
    columns = [table[name][:] for name in columns_of(rows)]
    return [
        tuple(text if isinstance(text, str) else " ".join(text) for text in texts)
        for texts in zip(*columns, strict=True)
    ]
