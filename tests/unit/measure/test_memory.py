from __future__ import annotations

import pytest

from hf_efficient.measure import free_memory, peak_memory, resident_memory


def test_the_peak_of_a_process_is_at_least_what_it_holds():
    held = resident_memory()
    assert held > 10_000_000
    assert peak_memory().num_bytes >= held * 0.9  # pages that were shared count differently


@pytest.mark.parametrize(
    ("limit", "used", "free"), [("1000000", "400000", 600_000), ("1000000", "2000000", 0), ("max", "5", None)]
)
def test_a_container_has_what_its_limit_leaves(limit, used, free, tmp_path):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    found = free_memory(tmp_path)
    assert found == free if free is not None else found > 1_000_000


def test_without_a_container_it_is_what_the_machine_has(tmp_path):
    assert free_memory(tmp_path) > 1_000_000
