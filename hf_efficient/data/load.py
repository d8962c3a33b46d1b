"""From the words of the `data:` section to the rows of each split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hf_efficient.data.columns import read_texts, resolve_columns
from hf_efficient.data.labels import is_labelled, read_labels
from hf_efficient.data.source import SPLITS, named_split, open_source, usual_split
from hf_efficient.data.split import hold_out, strata_of, subset
from hf_efficient.errors import DataError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from hf_efficient.recipe.data import DataSection


def load_tables(
    section: DataSection,
    place: Callable[[str], str],
    *,
    train: Dataset | None = None,
    validation: Dataset | None = None,
) -> DatasetDict:
    """The rows to train on, to validate on and, where there are some, to test on; not yet encoded.

    `train` and `validation` stand in for what the section names. Where nothing says what to validate on, a stratified
    share of the training rows is held out; `fraction` and `limit` then choose among those that stay.

    Raises:
        RecipeError: the section names a file, split or column that does not exist.
        DataError: rows that can't be used, or a Hub that can't be reached.
    """
    from datasets import DatasetDict

    live = {split: table for split, table in (("train", train), ("validation", validation)) if table is not None}
    _refuse_other_types(live)
    tables = _read(section, place, live)
    roles = resolve_columns(section.columns, tables["train"], place)
    for split, table in tables.items():
        # Public data sets often keep the labels of their test split; rows that a recipe names are to be scored.
        scored = split != "test" or section.test is not None or is_labelled(table, roles.label)
        _check(table, split, [name for name in (roles.text, roles.text_pair) if name], roles.label if scored else None)
    if "validation" not in tables:
        labels = read_labels(tables["train"], roles.label, "train")
        kept, held = hold_out(strata_of(labels), section.validation_size, section.seed)
        if len(held) == 0:
            raise DataError(
                f"{place('data.validation_size')}: no label stands in two rows, so none of the {len(labels)} training "
                "rows can be held out; name validation rows in data.validation"
            )
        train_rows = tables["train"]
        tables |= {"train": train_rows.select(kept), "validation": train_rows.select(held)}
    tables["train"] = _start_small(tables["train"], roles.label, section)
    return DatasetDict({split: tables[split] for split in SPLITS if split in tables})


def load_table(source: str, place: Callable[[str], str] = str, *, split: str | None = None) -> Dataset:
    """One table of rows to score: a file, or a split of a data set, by default test, else validation, else train.

    Raises:
        RecipeError: there is no such file or split.
        DataError: rows that can't be read, or a Hub that can't be reached.
    """
    tables = open_source(source, None, None, place("data"))
    if split is not None:
        return named_split(tables, split, place("split"))
    usual = (usual_split(tables, name) for name in reversed(SPLITS))
    table = next((table for table in usual if table is not None), None)
    return next(iter(tables.values())) if table is None else table


def _read(section: DataSection, place: Callable[[str], str], live: dict[str, Dataset]) -> dict[str, Dataset]:
    """The raw rows of each split, live ones first."""
    if section.name is None and section.train is None and "train" not in live:
        raise RecipeError(f"{place('data')}: expected data.name or data.train, found neither")
    found: Mapping[str, Dataset] = {}
    if section.name is not None and "train" not in live:
        found = open_source(section.name, section.config, section.revision, place("data.name"))
    tables = dict(live)
    for split in SPLITS:
        wanted: str | None = getattr(section, split)
        table = usual_split(found, split) if wanted is None else named_split(found, wanted, place(f"data.{split}"))
        if table is not None:
            tables.setdefault(split, table)
    if "train" not in tables:
        raise RecipeError(
            f"{place('data.name')}: {section.name} has no split named train, only {', '.join(found)}; "
            "name the training rows in data.train"
        )
    return tables


def _refuse_other_types(live: Mapping[str, Any]) -> None:
    from datasets import Dataset

    for split, table in live.items():
        if not isinstance(table, Dataset):
            raise DataError(f"{split}: expected a datasets.Dataset of texts and labels, found {type(table).__name__}")


def _check(table: Dataset, split: str, texts: list[str], label: tuple[str, ...] | None) -> None:
    """Refuse rows that can't be used while their numbers are still those of the file; no `label` leaves labels out."""
    if len(table) == 0:
        raise DataError(f"{split}: expected rows, found none")
    for column in texts:
        read_texts(table, column, split)
    if label is not None:
        read_labels(table, label, split)


def _start_small(table: Dataset, label: tuple[str, ...], section: DataSection) -> Dataset:
    num_rows = max(1, round(section.fraction * len(table)))
    num_rows = min(num_rows, section.limit or num_rows)
    if num_rows == len(table):
        return table
    return table.select(subset(strata_of(read_labels(table, label, "train")), num_rows, section.seed))
