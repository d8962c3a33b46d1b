from __future__ import annotations

import pytest

from hf_efficient.data.text_cache import TextCache, text_key
from hf_efficient.errors import HfEfficientError

KEYS = ["a", "b", "a", "c"]


class Maker:
    """Doubles each key, two at a time, and remembers which it was asked for."""

    def __init__(self, keys: list[str], stop_after: int | None = None) -> None:
        self.keys = keys
        self.asked: list[str] = []
        self.stop_after = stop_after

    def __call__(self, numbers: list[int]):
        for start in range(0, len(numbers), 2):
            if self.stop_after is not None and start >= self.stop_after:
                raise KeyboardInterrupt
            batch = numbers[start : start + 2]
            self.asked += [self.keys[number] for number in batch]
            yield batch, [f"{self.keys[number]}\n“{self.keys[number]}”" for number in batch]


def text_of(key: str) -> str:
    return f"{key}\n“{key}”"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "views.jsonl"


def test_each_text_is_made_once(path):
    first = Maker(KEYS)
    assert TextCache(path, "views").texts(KEYS, first) == [text_of(key) for key in KEYS]
    assert first.asked == ["a", "b", "c"]
    second = Maker(["d", "b"])
    assert TextCache(path, "views").texts(["d", "b"], second) == [text_of("d"), text_of("b")]
    assert second.asked == ["d"]


def test_what_others_have_made_is_told_with_its_cost(path):
    first, second = TextCache(path, "views"), TextCache(path, "views")
    for _ in range(2):  # what it has made itself is not found
        first.texts(KEYS, Maker(KEYS))
    assert first.found == {}
    path.write_bytes(path.read_bytes() + b'["old", "text"]\n')
    second.texts(["old", "b", "d"], Maker(["old", "b", "d"]))
    assert second.found.keys() == {"old", "b"}
    assert second.found["old"] is None
    assert 0 <= second.found["b"] < 1


def test_a_kill_loses_the_batch_in_hand_alone(path):
    keys = ["a", "b", "c", "d"]
    with pytest.raises(KeyboardInterrupt):
        TextCache(path, "views").texts(keys, Maker(keys, stop_after=2))
    rest = Maker(keys)
    assert TextCache(path, "views").texts(keys, rest) == [text_of(key) for key in keys]
    assert rest.asked == ["c", "d"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_half_a_line_is_made_again_and_spoils_no_other(path, cut):
    keys = ["a", "b"]
    TextCache(path, "views").texts(keys, Maker(keys))
    path.write_bytes(path.read_bytes()[:-cut])
    again = Maker(["a", "b", "c"])
    assert TextCache(path, "views").texts(["a", "b", "c"], again) == [text_of(key) for key in "abc"]
    assert again.asked == (["c"] if cut == 1 else ["b", "c"])
    assert TextCache(path, "views").texts(["c", "a", "b"], Maker([], 0)) == [text_of(key) for key in "cab"]


def test_other_lines_are_not_looked_at(path):
    path.parent.mkdir()
    path.write_text('["a", 1]\n{"a": "b"}\n"a"\n[]\nnull\n')
    assert TextCache(path, "views").texts(["a"], Maker(["a"])) == [text_of("a")]


def test_a_folder_that_cant_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HfEfficientError, match=r"file/views\.jsonl: views can't be kept there \(.*HF_EFFICIENT_HOME"):
        TextCache(tmp_path / "file" / "views.jsonl", "views").texts(["a"], Maker(["a"]))


def test_keys_tell_strings_apart():
    assert text_key("ab", "c") != text_key("a", "bc") != text_key("abc")
    assert text_key("ab", "c") == text_key("ab", "c")
    assert len(text_key("\ud800")) == 32


def test_texts_that_another_process_has_made_meanwhile_are_found(tmp_path):
    mine, others = (TextCache(tmp_path / "log.jsonl", "texts") for _ in range(2))
    assert mine.texts(["a"], lambda numbers: [(numbers, ["one"])]) == ["one"]
    assert others.texts(["a", "b"], lambda numbers: [(numbers, ["two"])]) == ["one", "two"]
    assert mine.texts(["b", "a"], lambda numbers: pytest.fail("both are there")) == ["two", "one"]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
