"""What we lean on in `datasets`, and where it is why we do things ourselves."""

from __future__ import annotations

import pyarrow as pa
import pytest
from datasets import Dataset, load_dataset
from torch.utils.data import DataLoader


def stream(path, *batches):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def test_an_arrow_stream_is_a_memory_mapped_data_set(tmp_path):
    stream(tmp_path / "a.arrow", pa.record_batch({"a": [1, 2]}), pa.record_batch({"a": [3]}))
    rows = Dataset.from_file(str(tmp_path / "a.arrow"))
    assert rows["a"][:] == [1, 2, 3]
    assert [file["filename"] for file in rows.cache_files] == [str(tmp_path / "a.arrow")]


@pytest.mark.parametrize("keep", [0, 10, 100, -1, -17])
def test_a_cut_stream_is_noticed(tmp_path, keep):
    stream(tmp_path / "a.arrow", pa.record_batch({"a": list(range(100))}))
    whole = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "b.arrow").write_bytes(whole[:keep])
    try:
        rows = len(Dataset.from_file(str(tmp_path / "b.arrow")))
    except (pa.ArrowInvalid, OSError):
        return
    assert rows == 100, "rows are missing and nothing was raised"


def test_columns_can_be_added_to_mapped_rows(tmp_path):
    stream(tmp_path / "a.arrow", pa.record_batch({"a": [1, 2]}))
    rows = Dataset.from_file(str(tmp_path / "a.arrow")).add_column("labels", [3, 4])
    assert rows.to_dict() == {"a": [1, 2], "labels": [3, 4]}


def test_its_csv_reader_still_takes_words_for_gaps(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nNA,1\n")
    files = str(tmp_path / "a.csv")
    rows = load_dataset("csv", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert rows["text"][:] == [None], "mended: data/files.py could leave csv to datasets"


class Numbers:
    """Two rows, each all the numbers that a worker sees of a stream of two files, read in two ways."""

    def __init__(self):
        self.rows = Dataset.from_dict({"n": [1, 2, 3, 4]}).to_iterable_dataset(num_shards=2)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index == 0:
            return [row["n"] for row in self.rows]
        return [n for table in self.rows.with_format("arrow").iter(3) for n in table["n"].to_pylist()]


def test_a_worker_sees_a_whole_stream_in_tables_alone():
    by_row, by_table = DataLoader(Numbers(), batch_size=None, num_workers=2)
    assert by_row == [1, 2]
    assert by_table == [1, 2, 3, 4]
