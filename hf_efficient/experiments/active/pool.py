"""The pool: rows of which some are to be labelled, and the rows that models are scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_efficient import tasks
from hf_efficient.data.labels import class_label_names, is_labelled, known_ids, label_name, read_labels
from hf_efficient.data.load import load_tables, load_unchecked
from hf_efficient.errors import DataError, PlanError
from hf_efficient.experiments.active.section import section_of
from hf_efficient.report.write import write_file

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.recipe import Recipe

LABEL = "label"
"""Column of labels where the data set has none."""


@dataclass(frozen=True)
class Pool:
    """Rows by their number, without their labels."""

    rows: Dataset
    known: Mapping[int, str]
    """Class of the rows that the data set gives one: hidden in a simulation, else given."""
    validation: Dataset | None
    """Rows that are scored; None where no labels of any are known."""
    task: Any
    """Classification, one label a row."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of their ids."""
        classes: tuple[str, ...] = self.task.classes
        return classes

    @property
    def label(self) -> str:
        """Name of the column of labels."""
        return str(self.task.columns.label[0])

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the columns of texts; none where rows are images."""
        roles = (getattr(self.task.columns, part, None) for part in ("text", "text_pair"))
        return tuple(name for name in roles if name is not None)

    def texts(self, numbers: Iterable[int]) -> list[dict[str, Any]]:
        """The texts of some rows by column; of images, their files."""
        chosen = self.rows.select(list(numbers))
        if self.text_columns:
            return [{name: row[name] for name in self.text_columns} for row in chosen]
        return [{"image": value["path"]} for value in self._images(chosen)]

    def lines(self, numbers: Iterable[int]) -> list[str]:
        """Some rows in one line each."""
        return [" / ".join(str(value) for value in row.values()) for row in self.texts(numbers)]

    def _images(self, rows: Dataset) -> list[dict[str, Any]]:
        from hf_efficient.data.images import encoded_images

        images: list[dict[str, Any]] = encoded_images(rows, self.task.columns.image, "train")["image"][:]
        return images

    def image(self, number: int) -> bytes | None:
        """The file of a row's image; None where rows are texts."""
        if self.text_columns:
            return None
        (value,) = self._images(self.rows.select([number]))
        return _file_of(value)

    def labelled(self, labels: Mapping[int, str]) -> Dataset:
        """Some rows with these labels, in the order of their numbers, as data to train on."""
        return with_labels(self.rows, dict(sorted(labels.items())), self.label, self.classes)

    @cached_property
    def digest(self) -> str:
        """A hash of the rows, those that are scored and their labels, and the classes."""
        digest = hashlib.blake2b("\0".join(self.classes).encode(), digest_size=12)
        for table in (self.rows, *([] if self.validation is None else [self.validation])):
            digest.update(str(len(table)).encode())
            for value in self._contents(table):
                digest.update(b"%d:%b" % (len(value), value))
        return digest.hexdigest()

    @cached_property
    def digest_of_labels(self) -> str:
        """A hash of the labels that are known."""
        return hashlib.blake2b(repr(sorted(self.known.items())).encode(), digest_size=12).hexdigest()

    def _contents(self, table: Dataset) -> Iterator[bytes]:
        for name in (*self.text_columns, *(name for name in self.task.columns.label if name in table.column_names)):
            for value in table[name][:]:
                yield str(value).encode("utf-8", "surrogatepass")
        for value in [] if self.text_columns else self._images(table):
            yield _file_of(value)

    @cached_property
    def doubles(self) -> frozenset[int]:
        """Rows whose texts stand in an earlier row: one label does for all."""
        return frozenset(range(len(self))) - set(self.first_rows().values()) if self.text_columns else frozenset()

    def first_rows(self) -> dict[tuple[str, ...], int]:
        """The first row of each text, or of each pair; none where rows are images."""
        first: dict[tuple[str, ...], int] = {}
        for number, texts in enumerate(self._texts_of(self.rows)):
            first.setdefault(texts, number)
        return first

    def overlap(self) -> int:
        """How many rows of the pool are also scored, as far as texts tell."""
        if self.validation is None:
            return 0
        scored = set(self._texts_of(self.validation))
        return sum(texts in scored for texts in self._texts_of(self.rows))

    def _texts_of(self, table: Dataset) -> Iterator[tuple[str, ...]]:
        """The text of each row, or both of a pair; none where rows are images."""
        return zip(*(table[name][:] for name in self.text_columns), strict=True)


def _file_of(image: Mapping[str, Any]) -> bytes:
    content: bytes = image["bytes"] or Path(image["path"]).read_bytes()
    return content


def with_labels(rows: Dataset, labels: Mapping[int, str], column: str, classes: Iterable[str]) -> Dataset:
    """Chosen rows and their labels, which know all classes by name, whichever of them stand there."""
    from datasets import ClassLabel

    from hf_efficient.data.images import without_bars

    names = list(classes)
    with without_bars():
        chosen = rows.select(list(labels)).flatten_indices()
        ids = [names.index(name) for name in labels.values()]
        return chosen.add_column(column, ids).cast_column(column, ClassLabel(names=names))


def write_rows(rows: Dataset, path: Path) -> None:
    """Write rows as data to train on; whole or not at all.

    Raises:
        RunDirectoryError: they can't be written.
    """
    from hf_efficient.data.images import without_bars

    with without_bars():
        write_file(path, rows.to_parquet)


def load_pool(recipe: Recipe) -> Pool:
    """The pool of a recipe: its training rows, without the labels that they have.

    Raises:
        RecipeError: the recipe names a file, split or column that does not exist.
        DataError: rows that can't be used, or without classes.
        PlanError: the task is not to give each row one of several classes.
    """
    return _simulated(recipe) if section_of(recipe).is_simulated else _to_be_labelled(recipe)


def _simulated(recipe: Recipe) -> Pool:
    try:
        tables = load_tables(recipe.data, recipe.place, tasks.rules_of(recipe.task))
    except DataError as error:
        if "label" not in str(error):
            raise
        raise DataError(
            f"{error} A simulation knows all labels; write active.labeller: file or web to give them yourself."
        ) from error
    task: Any = tasks.learn(recipe.task, recipe.data, tables, recipe.place)
    if task.problem != "single_label":
        raise PlanError(
            f"{recipe.place('active')} needs one label a row, and the rows pose a {task.problem} problem; take it out."
        )
    rows = tables["train"]
    names = _class_names(read_labels(rows, task.columns.label, "train"), task.classes)
    return Pool(rows.remove_columns(list(task.columns.label)), dict(enumerate(names)), tables["validation"], task)


def _class_names(labels: Iterable[Any], classes: tuple[str, ...]) -> list[str]:
    names = [label_name(label) for label in labels]
    ids = known_ids(set(names), classes)
    return [classes[ids[name]] for name in names]


def _to_be_labelled(recipe: Recipe) -> Pool:
    tables = load_unchecked(recipe.data, recipe.place)
    rows, validation = tables["train"], tables.get("validation")
    if len(rows) == 0:
        raise DataError("train: expected rows to choose from, found none")
    rules_of = tasks.rules_of(recipe.task)
    column = _label_column(recipe, rows)
    given = _given(rows, column)
    classes = _classes(recipe, rows, column, given, validation)
    bare = rows.remove_columns([column]) if column in rows.column_names else rows
    columns = recipe.data.columns.model_copy(update={"label": None})
    rules_of(columns, bare, recipe.place).check(bare, "train", scored=False)
    if validation is not None:
        rules_of(recipe.data.columns, validation, recipe.place).check(validation, "validation", scored=True)
    task = _learn(recipe, bare, column, classes)
    return Pool(bare, _named(given, classes, column), validation, task)


def _named(given: Mapping[int, str], classes: tuple[str, ...], column: str) -> dict[int, str]:
    """The class of each row that has a label already.

    Raises:
        DataError: a label that names none.
    """
    ids = known_ids(set(given.values()), classes)
    for number, name in given.items():
        if name not in ids:
            raise DataError(
                f"train row {number + 1}: column {column}: expected a class of task.labels ({', '.join(classes)}) or "
                f"none yet, found {name}; correct one of them"
            )
    return {number: classes[ids[name]] for number, name in given.items()}


def _label_column(recipe: Recipe, rows: Dataset) -> str:
    """The column that labels stand in, or will."""
    named = recipe.data.columns.label
    if isinstance(named, tuple):
        raise PlanError(f"{recipe.place('data.columns.label')}: active needs one label a row, in one column.")
    return named or next((name for name in ("label", "labels") if name in rows.column_names), LABEL)


def _given(rows: Dataset, column: str) -> dict[int, str]:
    """Labels that rows have already, by the row's number."""
    if column not in rows.column_names or not is_labelled(rows, (column,)):
        return {}
    names = class_label_names(rows, column)
    values = enumerate(rows[column][:])
    present = {n: value for n, value in values if value is not None and value != "" and value == value and value != -1}
    return {number: names[value] if names else label_name(value) for number, value in present.items()}


def _classes(
    recipe: Recipe, rows: Dataset, column: str, given: Mapping[int, str], validation: Dataset | None
) -> tuple[str, ...]:
    """The classes that a label may name: those of the recipe, of the data set itself, or of the labels there are.

    Raises:
        DataError: fewer than two are known.
    """
    if recipe.task.labels is not None:
        return recipe.task.labels
    if column in rows.column_names and (names := class_label_names(rows, column)):
        return tuple(names)
    found = set(given.values())
    if validation is not None and column in validation.column_names:
        found |= {label_name(label) for label in read_labels(validation, (column,), "validation")}
    if len(found) < 2:
        raise DataError(
            f"{recipe.place('task.labels')}: expected at least two classes to choose from, found "
            f"{', '.join(found) or 'none'}; name them in task.labels"
        )
    return tuple(sorted(found))


def _learn(recipe: Recipe, rows: Dataset, column: str, classes: tuple[str, ...]) -> Any:
    """The task, as rows with labels would pose it."""
    from datasets import DatasetDict

    if len(rows) < 2:
        raise DataError("train: expected at least two rows to choose from, found one")
    stand_ins = with_labels(rows, dict(enumerate(classes[: min(len(rows), len(classes))])), column, classes)
    section = recipe.task.model_copy(update={"class_weights": None})
    task: Any = tasks.learn(section, recipe.data, DatasetDict({"train": stand_ins}), recipe.place)
    return replace(task, classes=classes)
