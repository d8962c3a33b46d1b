"""Which rows a process was fed, and which it was meant to be fed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hf_efficient.data.batches import Batches, Split
from hf_efficient.data.fed import Fed, NumberingCollator, all_as_meant, digest_of, numbered, rows_of_process


def fed(batches, meant):
    found = Fed()
    for rows in batches:
        found.add(np.asarray(rows), np.asarray(meant))
    return found


def test_a_digest_is_of_rows_in_their_order():
    meant = [3, 1, 2, 0]
    right = fed([[3, 1], [2, 0]], meant)
    assert right.as_meant
    assert right.num_rows == 4
    assert right.digest == digest_of(np.asarray([2, 0]), digest_of(np.asarray([3, 1])))
    right.finish(np.asarray(meant))
    assert right.as_meant
    cut_short = fed([[3, 1]], meant)
    assert cut_short.as_meant
    cut_short.finish(np.asarray(meant))
    assert not cut_short.as_meant
    swapped = fed([[3, 1], [0, 2]], meant)
    assert not swapped.as_meant
    assert swapped.digest != right.digest


def test_what_is_not_known_stays_unknown():
    unknown = Fed(digest=None)
    unknown.add(np.asarray([1]), np.asarray([2]))
    assert unknown.digest is None


def meant(split, process, batches=None, drop_last=False):
    order = list(range(10))
    return rows_of_process(order, 0, batches, split, process, seed=0, drop_last=drop_last).tolist()


def test_rows_of_each_process():
    assert meant(Split(2, 1, 1), 0) == list(range(10))
    assert meant(Split(4, 1, 1), 0, drop_last=True) == list(range(8))
    # Batches of 2 in turn; accelerate fills the sixth with the first rows again.
    assert meant(Split(2, 1, 2), 0) == [0, 1, 4, 5, 8, 9]
    assert meant(Split(2, 1, 2), 1) == [2, 3, 6, 7, 0, 1]


def test_rows_of_each_process_where_they_are_grouped_by_length():
    batches = Batches(np.arange(10, 0, -1))
    both = [meant(Split(1, 1, 2), process, batches) for process in range(2)]
    assert sorted(both[0] + both[1]) == list(range(10))
    # The shorter of the two rows of a step comes first.
    assert all(first > second for first, second in zip(*both, strict=True))


@pytest.mark.parametrize("rows", [[{"a": 5}, {"a": 6}, {"a": 7}, {"a": 8}]])
def test_numbers_of_rows_and_of_batches(rows):
    from datasets import Dataset

    assert numbered(Dataset.from_list(rows), 2)["row_number"][:] == [0, 1, 0, 1]
    listed = numbered(rows, 4)
    assert [listed[place] for place in range(len(listed))][3] == {"a": 8, "row_number": 3}
    collate = NumberingCollator(lambda features: {"a": torch.tensor([row["a"] for row in features])})
    assert collate([listed[2], listed[0]])["row_number"].tolist() == [2, 0]
    assert collate(rows[:2]).keys() == {"a"}


@pytest.mark.parametrize(
    ("epochs", "expected"), [([True, True], True), ([True, None], None), ([False, None], False), ([], None)]
)
def test_an_epoch_that_is_not_known_leaves_the_whole_unknown(epochs, expected):
    assert all_as_meant(epochs) is expected
