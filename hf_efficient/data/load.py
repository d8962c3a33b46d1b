"""From the words of the `data:` section to the rows of each split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_efficient.data.rules import Rules, TextRules
from hf_efficient.data.shards import Shards, read
from hf_efficient.data.source import SPLITS, named_split, open_source, usual_split
from hf_efficient.data.split import Indices, hold_out, strata_of, subset
from hf_efficient.data.stream import head
from hf_efficient.errors import DataError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from hf_efficient.recipe.data import Columns, DataSection


def load_tables(
    section: DataSection,
    place: Callable[[str], str],
    rules_of: Callable[[Columns, Dataset, Callable[[str], str]], Rules] = TextRules.of,
    *,
    train: Dataset | None = None,
    validation: Dataset | None = None,
) -> DatasetDict:
    """The rows to train on, to validate on and, where there are some, to test on; not yet encoded.

    `rules_of` gives the task's rules for tables like the training rows. `train` and `validation` stand in for what the
    section names. Where nothing says what to validate on, a stratified
    share of the training rows is held out; `fraction` and `limit` then choose among those that stay. Of a stream
    there are the first training rows, and the others are for `training_shards`.

    Raises:
        RecipeError: the section names a file, split or column that does not exist.
        DataError: rows that can't be used, or a Hub that can't be reached.
    """
    from datasets import DatasetDict

    live = {split: table for split, table in (("train", train), ("validation", validation)) if table is not None}
    _refuse_other_types(live)
    if section.streaming and train is not None:
        raise RecipeError(f"{place('data.streaming')} can't take effect: train_dataset is there already; take it out.")
    tables = live | {
        split: head(shards) if split == "train" and section.streaming else read(shards)
        for split, shards in _open(section, place, live).items()
    }
    rules = rules_of(section.columns, tables["train"], place)
    for split, table in tables.items():
        if len(table) == 0:
            raise DataError(f"{split}: expected rows, found none")
        rules.check(table, split, scored=split != "test" or section.test is not None)
    if not section.streaming:
        if "validation" not in tables and section.validation_size > 0:
            tables |= _hold_out(tables["train"], rules, section, place)
        tables["train"] = _start_small(tables["train"], rules, section)
    return DatasetDict({split: tables[split] for split in SPLITS if split in tables})


def load_unchecked(section: DataSection, place: Callable[[str], str]) -> dict[str, Dataset]:
    """The rows of each split as they lie: none held out, none left out, labels not looked at.

    Raises:
        RecipeError: the section names a file or split that does not exist.
        DataError: rows that can't be read, or a Hub that can't be reached.
    """
    return {split: read(shards) for split, shards in _open(section, place, {}).items()}


def load_table(source: str, place: Callable[[str], str] = str, *, split: str | None = None) -> Dataset:
    """One table of rows to score: a file, or a split of a data set, by default test, else validation, else train.

    Raises:
        RecipeError: there is no such file or split.
        DataError: rows that can't be read, or a Hub that can't be reached.
    """
    splits = open_source(source, None, None, place("data"))
    if split is not None:
        return read(named_split(splits, split, place("split")))
    usual = (usual_split(splits, name) for name in reversed(SPLITS))
    shards = next((shards for shards in usual if shards is not None), None)
    return read(next(iter(splits.values())) if shards is None else shards)


def training_shards(section: DataSection, place: Callable[[str], str]) -> Shards:
    """Where the training rows lie, to be streamed.

    Raises:
        RecipeError: the section names a file or split that does not exist.
        DataError: a Hub that can't be reached.
    """
    return _open(section, place, {})["train"]


def _open(section: DataSection, place: Callable[[str], str], live: Mapping[str, Dataset]) -> dict[str, Shards]:
    """Where the rows of each split lie that is not live."""
    if section.name is None and section.train is None and "train" not in live:
        raise RecipeError(f"{place('data')}: expected data.name or data.train, found neither")
    found: Mapping[str, Shards] = {}
    if section.name is not None and "train" not in live:
        source = section.name, section.config, section.revision
        found = open_source(*source, place("data.name"), streaming=section.streaming)
    splits: dict[str, Shards] = {}
    for split in SPLITS:
        wanted: str | None = getattr(section, split)
        shards = usual_split(found, split) if wanted is None else named_split(found, wanted, place(f"data.{split}"))
        if shards is not None and split not in live:
            splits[split] = shards
    if "train" not in splits and "train" not in live:
        raise RecipeError(
            f"{place('data.name')}: {section.name} has no split named train, only {', '.join(found)}; "
            "name the training rows in data.train"
        )
    return splits


def _refuse_other_types(live: Mapping[str, Any]) -> None:
    from datasets import Dataset

    for split, table in live.items():
        if not isinstance(table, Dataset):
            raise DataError(f"{split}: expected a datasets.Dataset of texts and labels, found {type(table).__name__}")


def _hold_out(table: Dataset, rules: Rules, section: DataSection, place: Callable[[str], str]) -> dict[str, Dataset]:
    """The training rows parted in those that stay and those that are scored."""
    kept, held = hold_out(_strata(table, rules), section.validation_size, section.seed)
    if len(held) == 0:
        raise DataError(
            f"{place('data.validation_size')}: no label stands in two rows, so none of the {len(table)} training "
            "rows can be held out; name validation rows in data.validation"
        )
    return {"train": table.select(kept), "validation": table.select(held)}


def _start_small(table: Dataset, rules: Rules, section: DataSection) -> Dataset:
    num_rows = max(1, round(section.fraction * len(table)))
    num_rows = min(num_rows, section.limit or num_rows)
    if num_rows == len(table):
        return table
    return table.select(subset(_strata(table, rules), num_rows, section.seed))


def _strata(table: Dataset, rules: Rules) -> Indices:
    values = rules.strata(table)
    return np.zeros(len(table), dtype=np.int64) if values is None else strata_of(values)
