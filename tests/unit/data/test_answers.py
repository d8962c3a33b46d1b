from __future__ import annotations

import json

import numpy as np
import pytest

from hf_efficient.data import answers
from hf_efficient.data.answers import Answers, Shard, row_key
from hf_efficient.errors import HfEfficientError

KEYS = [bytes([number]) * 16 for number in range(5)]


def answer_of(key: bytes) -> np.ndarray:
    return np.full((1 + key[0] % 2, 3), key[0], dtype=np.float32)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(answers, "ROWS_OF_SHARD", 2)


def filled(folder) -> tuple[Answers, list[bytes]]:
    """Answers, and the keys that had to be computed for them."""
    asked: list[bytes] = []

    def answer(keys):
        asked.extend(keys)
        return [answer_of(key) for key in keys]

    found = Answers(folder, KEYS)
    assert found.fill(answer) == len(asked)
    found.open()
    return found, asked


def test_every_answer_is_found_again(tmp_path):
    found, asked = filled(tmp_path)
    assert asked == KEYS
    for key in KEYS:
        np.testing.assert_array_equal(found.get(key), answer_of(key))
    assert found.get(b"x" * 16) is None


def test_a_second_student_computes_nothing(tmp_path):
    filled(tmp_path)
    found, asked = filled(tmp_path)
    assert asked == []
    np.testing.assert_array_equal(found.get(KEYS[3]), answer_of(KEYS[3]))


def test_after_a_kill_only_what_is_missing_is_computed(tmp_path):
    def killed(keys):
        if KEYS[2] in keys:
            raise KeyboardInterrupt
        return [answer_of(key) for key in keys]

    with pytest.raises(KeyboardInterrupt):
        Answers(tmp_path, KEYS).fill(killed)
    _, asked = filled(tmp_path)
    assert asked == KEYS[2:]


@pytest.mark.parametrize("harm", ["cut", "changed", "manifest", "gone"])
def test_a_damaged_shard_is_computed_again(harm, tmp_path):
    filled(tmp_path)
    shard = Answers(tmp_path, KEYS).shards[1]
    content = shard.path.read_bytes()
    match harm:
        case "cut":
            shard.path.write_bytes(content[:-4])
        case "changed":
            shard.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "manifest":
            shard.manifest.write_text(json.dumps({"checksum": "x"}))
        case "gone":
            shard.path.unlink()
    found, asked = filled(tmp_path)
    assert asked == KEYS[2:4]
    np.testing.assert_array_equal(found.get(KEYS[2]), answer_of(KEYS[2]))


def test_answers_are_memory_mapped(tmp_path):
    found, _ = filled(tmp_path)
    assert isinstance(found.get(KEYS[0]), np.memmap)


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HfEfficientError, match=r"can't be kept there .* set distill.cache: false"):
        Answers(tmp_path / "file" / "below", KEYS).fill(lambda keys: [])


def test_the_name_of_a_shard_is_that_of_its_rows(tmp_path):
    assert Shard(tmp_path, (KEYS[0],)).name == Shard(tmp_path / "elsewhere", (KEYS[0],)).name
    assert Shard(tmp_path, (KEYS[0], KEYS[1])).name != Shard(tmp_path, (KEYS[1], KEYS[0])).name


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
