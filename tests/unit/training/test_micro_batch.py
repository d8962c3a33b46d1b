from __future__ import annotations

import pytest

from hf_efficient.training.micro_batch import MicroBatch, divisors, largest


def test_divisors_divide():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
    assert divisors(1) == [1]


@pytest.mark.parametrize(("limit", "found"), [(0, None), (1, 1), (2, 1), (3, 3), (5, 3), (12, 12), (99, 12)])
def test_the_largest_that_fits_is_found(limit, found):
    assert largest([1, 3, 6, 12], lambda size: size <= limit) == (found if limit < 6 or limit >= 12 else 6)


def test_few_sizes_are_tried():
    tried: list[int] = []
    assert largest(list(range(1, 1025)), lambda size: bool(tried.append(size)) or size <= 700) == 700
    assert len(tried) <= 11


def test_it_is_read_as_it_was_written(tmp_path):
    kept = MicroBatch(4, "tried", "abc")
    kept.write(tmp_path / "kept.json")
    assert MicroBatch.read(tmp_path / "kept.json", "abc") == kept


def test_another_recipe_or_a_damaged_file_is_searched_anew(tmp_path):
    path = tmp_path / "kept.json"
    assert MicroBatch.read(path, "abc") is None
    MicroBatch(4, "tried", "abc").write(path)
    assert MicroBatch.read(path, "other") is None
    path.write_text('{"rows": 4')
    assert MicroBatch.read(path, "abc") is None
