from __future__ import annotations

import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, IterableDataset, Value

from hf_efficient.data import shards as module
from hf_efficient.data.load import load_tables, training_shards
from hf_efficient.data.shards import DatasetShard, FileShard, read
from hf_efficient.errors import DataError
from hf_efficient.recipe import DataSection

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
ROWS = [{"text": f"row {number}", "label": number % 2} for number in range(7)]


@pytest.fixture(params=[False, True], ids=["loaded", "streaming"])
def shard(request, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    rows = Dataset.from_list(ROWS, features=FEATURES)
    return DatasetShard("me/rows", rows.to_iterable_dataset() if request.param else rows)


def test_tables_are_small_and_keep_the_names_of_classes(shard):
    tables = list(shard.tables())
    assert [len(table) for table in tables] == [3, 3, 1]
    assert Dataset(tables[0]).features == FEATURES
    assert pa.concat_tables(tables).to_pylist() == ROWS
    assert next(shard.tables(pa.schema({"text": pa.string()}))).column_names == ["text"]


def test_it_is_read_whole(shard):
    assert shard.read().features == FEATURES
    assert read((shard, shard)).to_list() == [*ROWS, *ROWS]


def test_a_stream_that_breaks_says_what_to_do():
    def rows():
        yield ROWS[0]
        raise ConnectionError("gone")

    shard = DatasetShard("me/rows train file 1", IterableDataset.from_generator(rows))
    with pytest.raises(DataError, match=r"^me/rows train file 1: its rows can't be read on: gone; start the same"):
        list(shard.tables())


def test_a_file_is_read_whole_or_in_tables(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    shard = FileShard(path)
    assert shard.name == str(path)
    assert shard.read().to_list() == pa.concat_tables(shard.tables()).to_pylist() == [{"text": "one"}, {"text": "two"}]


def test_a_saved_data_set_streams_and_its_other_splits_are_loaded(tmp_path):
    splits = {"train": ROWS, "validation": ROWS[:2], "test": ROWS[2:4]}
    DatasetDict({name: Dataset.from_list(rows, features=FEATURES) for name, rows in splits.items()}).save_to_disk(
        tmp_path / "saved"
    )
    section = DataSection(name=str(tmp_path / "saved"), streaming=True)
    assert {split: len(table) for split, table in load_tables(section, str).items()} == {
        "train": 7,
        "validation": 2,
        "test": 2,
    }
    [shard] = training_shards(section, str)
    assert pa.concat_tables(shard.tables()).to_pylist() == ROWS
