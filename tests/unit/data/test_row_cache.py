from __future__ import annotations

import json
import resource
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hf_efficient.data import row_cache
from hf_efficient.data.row_cache import RowCache, RowGroup, row_key
from hf_efficient.errors import HfEfficientError

KEYS = [bytes([number]) * 16 for number in range(5)]


def value_of(key: bytes) -> np.ndarray:
    return np.full((1 + key[0] % 2, 3), key[0], dtype=np.float32)


def cache(folder) -> RowCache:
    return RowCache(folder, KEYS, what="the answers", remedy="do without", rows_of_group=2)


def filled(folder) -> tuple[RowCache, list[bytes]]:
    """A cache, and the keys that had to be computed for it."""
    asked: list[bytes] = []

    def compute(keys):
        asked.extend(keys)
        return [value_of(key) for key in keys]

    found = cache(folder)
    assert found.fill(compute) == len(asked)
    found.open()
    return found, asked


def test_every_value_is_found_again(tmp_path):
    found, asked = filled(tmp_path)
    assert asked == KEYS
    for key in KEYS:
        np.testing.assert_array_equal(found.get(key), value_of(key))
    assert found.get(b"x" * 16) is None


def test_a_second_run_computes_nothing(tmp_path):
    filled(tmp_path)
    found, asked = filled(tmp_path)
    assert asked == []
    np.testing.assert_array_equal(found.get(KEYS[3]), value_of(KEYS[3]))


def test_after_a_kill_only_what_is_missing_is_computed(tmp_path):
    def killed(keys):
        if KEYS[2] in keys:
            raise KeyboardInterrupt
        return [value_of(key) for key in keys]

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path).fill(killed)
    _, asked = filled(tmp_path)
    assert asked == KEYS[2:]


@pytest.mark.parametrize("harm", ["cut", "changed", "manifest", "gone"])
def test_a_damaged_group_is_computed_again(harm, tmp_path):
    filled(tmp_path)
    group = cache(tmp_path).groups[1]
    content = group.path.read_bytes()
    match harm:
        case "cut":
            group.path.write_bytes(content[:-4])
        case "changed":
            group.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "manifest":
            group.manifest.write_text(json.dumps({"checksum": "x"}))
        case "gone":
            group.path.unlink()
    found, asked = filled(tmp_path)
    assert asked == KEYS[2:4]
    np.testing.assert_array_equal(found.get(KEYS[2]), value_of(KEYS[2]))


def test_values_are_memory_mapped(tmp_path):
    found, _ = filled(tmp_path)
    assert isinstance(found.get(KEYS[0]), np.memmap)


def test_few_files_are_open_however_many_groups_there_are(tmp_path):
    keys = [number.to_bytes(16) for number in range(150)]
    many = RowCache(tmp_path, keys, what="the answers", remedy="do without", rows_of_group=1)
    many.fill(lambda some: [np.full((1, 2), key[-1], dtype=np.float32) for key in some])
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    there_are = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (there_are + 100, before[1]))
    try:
        many.open()
        for _ in range(2):
            assert [many.get(key)[0, 0] for key in keys] == list(range(150))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_file_that_is_gone_after_all_is_one_line(tmp_path):
    found, _ = filled(tmp_path)
    found.groups[0].path.unlink()
    with pytest.raises(HfEfficientError, match=r"the answers can't be kept there \(No such file or directory\)"):
        found.get(KEYS[0])
    found.groups[0].manifest.unlink()
    with pytest.raises(HfEfficientError, match=r"the answers can't be kept there \(No such file or directory\)"):
        found.open()


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HfEfficientError, match=r"the answers can't be kept there .* or do without"):
        cache(tmp_path / "file" / "below").fill(lambda keys: [])


def test_a_disk_that_is_too_small_is_seen_before_anything_is_computed(tmp_path, monkeypatch):
    free = SimpleNamespace(free=1e9)
    monkeypatch.setattr(row_cache.shutil, "disk_usage", lambda path: free)
    asked = []
    with pytest.raises(
        HfEfficientError, match=r"they take 1,000\.0 MB, and the disk has 1,000\.0 free\); free some space"
    ):
        cache(tmp_path).fill(asked.append, bytes_of=lambda key: 200_000_000)
    assert asked == []
    filled(tmp_path)
    free.free = 0.0
    assert cache(tmp_path).fill(asked.append, bytes_of=lambda key: 200_000_000) == 0


def test_the_name_of_a_group_is_that_of_its_rows(tmp_path):
    assert RowGroup(tmp_path, (KEYS[0],)).name == RowGroup(tmp_path / "elsewhere", (KEYS[0],)).name
    assert RowGroup(tmp_path, (KEYS[0], KEYS[1])).name != RowGroup(tmp_path, (KEYS[1], KEYS[0])).name


ROW = {"input_ids": np.array([3, 4]), "attention_mask": np.array([1, 1])}


@pytest.mark.parametrize(
    "other",
    [
        {**ROW, "input_ids": np.array([4, 3])},
        {**ROW, "input_ids": np.array([3, 4], dtype=np.int32)},
        {**ROW, "input_ids": np.array([[3, 4]])},
        {**ROW, "token_type_ids": np.array([0, 0])},
        {"ids": ROW["input_ids"], "attention_mask": ROW["attention_mask"]},
    ],
)
def test_another_row_has_another_key(other):
    assert row_key(ROW) == row_key(dict(reversed(ROW.items())))
    assert row_key(ROW) != row_key(other)
