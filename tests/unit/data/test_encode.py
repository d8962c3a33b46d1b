from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from datasets import Dataset

from hf_efficient.data import encode as module
from hf_efficient.data.encode import Texts, cache_key, encode_texts, memory_mapped
from hf_efficient.errors import DataError, HfEfficientError
from tests.unit.data.tokenizer import WORDS, tiny_tokenizer

TEXTS = Texts(["good film", "bad films a", ""])


def run(tmp_path, texts=TEXTS, tokenizer=None, *, max_length=8, truncation=True):
    tokenizer = tokenizer or tiny_tokenizer()
    return encode_texts(texts, tokenizer, max_length=max_length, truncation=truncation, split="train", cache=tmp_path)


def test_rows_are_token_ids_and_their_number(tmp_path):
    encoded = run(tmp_path)
    assert encoded.dataset.to_dict() == {
        "input_ids": [[2, 4, 6, 3], [2, 5, 6, 8, 7, 3], [2, 3]],
        "token_type_ids": [[0] * 4, [0] * 6, [0] * 2],
        "attention_mask": [[1] * 4, [1] * 6, [1] * 2],
        "length": [4, 6, 2],
    }
    assert encoded.num_truncated == 0


def test_pairs_have_two_segments(tmp_path):
    encoded = run(tmp_path, Texts(["good"], ["bad film"]))
    assert encoded.dataset[0]["input_ids"] == [2, 4, 3, 5, 6, 3]
    assert encoded.dataset[0]["token_type_ids"] == [0, 0, 0, 1, 1, 1]


def test_long_rows_are_cut_and_counted(tmp_path):
    # Four tokens just fit the first row; the second has six, and the third two.
    encoded = run(tmp_path, max_length=4)
    assert encoded.dataset["input_ids"][:] == [[2, 4, 6, 3], [2, 5, 6, 3], [2, 3]]
    assert encoded.num_truncated == 1


def test_a_long_row_is_an_error_without_truncation(tmp_path):
    said = "train row 2: expected at most 4 tokens, found 6; shorten the text"
    with pytest.raises(DataError, match=said):
        run(tmp_path, max_length=4, truncation=False)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    assert run(tmp_path, max_length=6, truncation=False).dataset["length"][:] == [4, 6, 2]


def test_chunks_are_joined_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 2)
    assert run(tmp_path).dataset["length"][:] == [4, 6, 2]


def test_a_second_run_reads_the_cache(tmp_path, monkeypatch):
    first = run(tmp_path)
    monkeypatch.setattr(module, "_batches", lambda *_: iter(()))
    assert run(tmp_path).dataset.to_dict() == first.dataset.to_dict()
    assert first.dataset.cache_files


def test_rows_made_of_encoded_ones_are_mapped_under_a_key_of_their_content(tmp_path):
    def made(*lists):
        return memory_mapped(Dataset.from_dict({"input_ids": list(lists), "length": list(map(len, lists))}), tmp_path)

    first = made([1, 2], [], [3])
    assert first.to_dict() == {"input_ids": [[1, 2], [], [3]], "length": [2, 0, 1]}
    assert [file["filename"] for file in first.cache_files] == [str(path) for path in tmp_path.glob("*.arrow")]
    made([1, 2], [], [3])
    assert len(list(tmp_path.glob("*.arrow"))) == 1
    assert made([1], [2], [3]).to_dict()["input_ids"] == [[1], [2], [3]]
    assert len(list(tmp_path.glob("*.arrow"))) == 2


@pytest.mark.parametrize("damage", [b"", b"\0" * 400, "half", "short by a byte"])
def test_a_damaged_entry_is_made_again(tmp_path, damage):
    whole = run(tmp_path).dataset.to_dict()
    (entry,) = tmp_path.glob("*.arrow")
    bytes_ = entry.read_bytes()
    # A new file: the old one is still mapped into memory.
    entry.unlink()
    entry.write_bytes({"half": bytes_[: len(bytes_) // 2], "short by a byte": bytes_[:-17]}.get(damage, damage))
    assert run(tmp_path).dataset.to_dict() == whole


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        yield from ()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_batches", fail)
    with pytest.raises(HfEfficientError, match="can't be kept there: No space left on device; free some space"):
        run(tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def key(texts=TEXTS, tokenizer=None, *, max_length=8, truncation=True):
    return cache_key(texts, tokenizer or tiny_tokenizer(), max_length=max_length, truncation=truncation)


def test_the_key_depends_on_all_that_the_ids_depend_on():
    keys = [
        key(),
        key(Texts(["good film", "bad films a", " "])),
        key(Texts(["good filmb", "ad films a", ""])),
        key(Texts(["good film", "bad films a"], ["", ""])),
        key(max_length=9),
        key(truncation=False),
        key(tokenizer=tiny_tokenizer([*WORDS, "worse"])),
        key(tokenizer=tiny_tokenizer(truncation_side="left")),
        key(tokenizer=tiny_tokenizer(unk_token="[SEP]")),
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_depend_on_earlier_calls():
    tokenizer = tiny_tokenizer()
    before = key(tokenizer=tokenizer)
    tokenizer(["good"], truncation=True, max_length=3, padding="max_length")
    assert key(tokenizer=tokenizer) == before


def test_no_rows(tmp_path):
    with pytest.raises(DataError, match=r"^train: expected rows, found none$"):
        run(tmp_path, Texts([]))


def test_of_several_that_come_at_once_one_tokenises(tmp_path, monkeypatch):
    written = []
    write = module._write

    def slow(path, batches):
        written.append(path)
        sleep(0.1)
        write(path, batches)

    monkeypatch.setattr(module, "_write", slow)
    with ThreadPoolExecutor(3) as pool:
        lengths = list(pool.map(lambda _: run(tmp_path).dataset["length"][:], range(3)))
    assert lengths == [[4, 6, 2]] * 3
    assert len(written) == 1


def test_targets_are_tokenised_as_what_is_to_be_written(tmp_path):
    tokenizer = tiny_tokenizer()
    asked = []

    class Recorder:
        """The tokenizer, and under which name it was given texts."""

        def __getattr__(self, name):
            return getattr(tokenizer, name)

        def __call__(self, **texts):
            asked.append([name for name in ("text", "text_target") if name in texts])
            return tokenizer(**texts)

    run(tmp_path, Texts(["good film"], target=True), Recorder())
    run(tmp_path, Texts(["good film"]), Recorder())
    assert asked == [["text_target"], ["text"]]  # nor is one taken for the other in the cache
