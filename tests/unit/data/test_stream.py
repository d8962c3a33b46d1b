from __future__ import annotations

import multiprocessing
import pickle
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from hf_efficient.data.stream import Part, StreamedRows, group, head, in_blocks, sizes
from hf_efficient.errors import DataError

NAMES = tuple("abcdefghijklmnopqrstuvwxyz")
SCHEMA = pa.schema({"text": pa.string()})


@dataclass(frozen=True)
class Letters:
    """A shard of rows in tables of 4, which counts how often it is opened."""

    name: str
    texts: tuple[str, ...]
    opened: list

    def read(self):
        return Dataset.from_dict({"text": list(self.texts)})

    def tables(self, schema=None):
        self.opened.append(self.name)
        for start in range(0, len(self.texts), 4):
            yield pa.table({"text": self.texts[start : start + 4]})


def upper(table, name):
    for number, text in enumerate(table["text"], start=1):
        if text == "!":
            raise DataError(f"{name} row {number}: expected a letter, found {text}")
    return Dataset.from_dict({"text": [text.upper() for text in table["text"]]})


def rows(*, shards=(NAMES[:9], NAMES[9:14], NAMES[14:]), buffer=5, seed=0, opened=None, **words) -> StreamedRows:
    """26 letters in three shards."""
    opened = [] if opened is None else opened
    letters = tuple(Letters(f"{number}.txt", texts, opened) for number, texts in enumerate(shards))
    return StreamedRows(letters, SCHEMA, upper, seed, buffer, 4, 50, texts=("text",), **words)


def letters(streamed, positions) -> str:
    return "".join(row["text"] for row in streamed.__getitems__(list(positions)))


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    streamed = rows()
    epochs = [letters(streamed, range(start, start + 26)) for start in (0, 26, 52)]
    for epoch in epochs:
        assert sorted(epoch) == sorted("".join(NAMES).upper())
    assert len(set(epochs)) == 3
    assert letters(rows(seed=1), range(26)) != epochs[0]


def test_a_block_holds_neighbours_alone():
    first = letters(rows(shards=(NAMES,)), range(26))
    assert sorted(first[:5]) == list("ABCDE")
    assert sorted(first[25:]) == ["Z"]
    assert first[:5] != "ABCDE"


def test_without_a_buffer_rows_come_as_they_lie():
    assert letters(rows(buffer=1), range(52)) == 2 * "".join(NAMES).upper()


@pytest.mark.parametrize("grouped", [False, True])
def test_a_row_depends_on_its_position_alone(grouped):
    def make():
        return rows(grouped=grouped)

    whole = letters(make(), range(200))
    for position in (0, 7, 25, 26, 51, 100, 155, 199):
        assert letters(make(), [position]) == whole[position]
    again = make()
    assert [letters(again, [position]) for position in (60, 3, 150, 149)] == [whole[p] for p in (60, 3, 150, 149)]
    shares = [make() for _ in range(3)]  # of three workers
    taken = [letters(shares[batch % 3], range(4 * batch, 4 * batch + 4)) for batch in range(50)]
    assert "".join(taken) == whole


def test_epochs_before_the_position_are_passed_over():
    opened: list[str] = []
    letters(rows(opened=opened), [26 * 1000 + 3])
    assert len(opened) <= 6  # the first epoch is counted, that of the position is read


def test_a_run_has_an_end():
    assert len(list(rows())) == 200


def test_a_copy_begins_anew():
    opened: list[str] = []
    streamed = rows(opened=opened)
    letters(streamed, range(30))
    assert letters(pickle.loads(pickle.dumps(rows())), range(30)) == letters(streamed, range(30))


def test_a_forked_process_opens_the_files_anew():
    streamed = rows()
    expected = letters(streamed, range(8, 12))
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child():
        before = streamed._walk
        sender.send((letters(streamed, range(8, 12)), streamed._walk is before))

    process = context.Process(target=child)
    process.start()
    assert receiver.recv() == (expected, False)
    process.join()


def test_an_error_names_its_shard_and_row():
    streamed = rows(shards=(NAMES[:6], (*NAMES[:4], "!", "b")), buffer=1)
    with pytest.raises(DataError, match=r"^1\.txt row 5: expected a letter, found !$"):
        streamed.__getitems__([8, 9, 10, 11])


def test_rows_of_other_columns():
    @dataclass(frozen=True)
    class Other(Letters):
        def tables(self, schema=None):
            yield pa.table({"txet": list(self.texts)})

    streamed = StreamedRows((Other("o.csv", NAMES, []),), SCHEMA, upper, 0, 5, 4, 50)
    with pytest.raises(DataError, match=r"^o.csv: there is no column text, only txet\. Did you mean txet\?$"):
        streamed[0]


def test_no_rows():
    with pytest.raises(DataError, match=r"^train: expected rows, found none$"):
        rows(shards=((), ()))[0]
    with pytest.raises(DataError, match=r"^train: expected rows, found none$"):
        head(rows(shards=((), ())).shards)


def test_blocks_are_cut_through_tables():
    parts = [
        Part("a", 1, pa.table({"n": [1, 2, 3]})),
        Part("a", 4, pa.table({"n": [4]})),
        Part("b", 1, pa.table({"n": [5, 6]})),
    ]
    blocks = [
        [(part.shard, part.first, part.table["n"].to_pylist()) for part in block] for block in in_blocks(parts, 2)
    ]
    assert blocks == [[("a", 1, [1, 2])], [("a", 3, [3]), ("a", 4, [4])], [("b", 1, [5, 6])]]
    assert [sum(map(len, block)) for block in in_blocks(parts, 4)] == [4, 2]
    assert list(in_blocks([], 4)) == []


@pytest.mark.parametrize("start", [0, 3, 7, 8, 1000])
def test_steps_hold_rows_of_similar_length_and_their_ends_stay(start):
    generator = np.random.default_rng(0)
    order, lengths = generator.permutation(100), generator.integers(1, 1000, 100)
    grouped = group(order, lengths, start, 8, np.random.default_rng(1))
    assert Counter(grouped.tolist()) == Counter(range(100))
    first = -start % 8
    np.testing.assert_array_equal(grouped[:first], order[:first])
    steps = grouped[first : first + 88].reshape(11, 8)
    spread = np.ptp(lengths[steps], axis=1)
    assert spread.mean() < 200  # of 1,000; without grouping about 780
    assert (np.diff(lengths[steps], axis=1) >= 0).all()


def test_a_block_without_a_whole_step_stays():
    order = np.asarray([2, 0, 1])
    np.testing.assert_array_equal(group(order, np.asarray([3, 2, 1]), 6, 8, np.random.default_rng(0)), order)


def test_grouping_is_by_the_length_of_texts():
    texts = tuple("x" * (1 + number % 13) for number in range(104))
    plain, grouped = (rows(shards=(texts,), buffer=104, grouped=grouped) for grouped in (False, True))

    def spread(streamed):
        lengths = [len(row["text"]) for row in streamed.__getitems__(range(104))]
        return np.ptp(np.asarray(lengths).reshape(26, 4), axis=1).mean()

    assert len(plain) == 200
    assert spread(grouped) < 1.5 < spread(plain)


def test_sizes_of_texts_lists_and_structs():
    turns = [[{"role": "user", "content": "abc"}, {"role": "assistant", "content": "d"}], [], None]
    assert sizes(pa.array(["ab", None, "é"])).tolist() == [2, 0, 1]
    assert sizes(pa.array([["ab", "c"], [], ["d"]])).tolist() == [3, 0, 1]
    assert sizes(pa.array(turns)).tolist() == [4 + 3 + 9 + 1, 0, 0]
    assert sizes(pa.array([1, 2])).tolist() == [0, 0]


def test_the_head_types_what_it_has_no_value_of_as_text():
    @dataclass(frozen=True)
    class Gaps(Letters):
        def tables(self, schema=None):
            yield pa.table({"text": ["a"], "note": pa.nulls(1)})

    assert head((Gaps("g", (), []),)).features["note"].dtype == "string"
