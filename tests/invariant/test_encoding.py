"""Encoding is done once, whoever comes first, and what it gives is mapped from the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hf_efficient.data import encode
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.build import build
from hf_efficient.training.run_directory import RunDirectory
from tests.integration.command_line import write_rows
from tests.processes import run_processes
from tests.tiny_writers import save_llama

ROWS = 40


def encoded(folder: Path, words: dict[str, Any]) -> tuple[int, list[str]]:
    """How many entries a process has written to the cache, and the files that its training rows lie in."""
    os.environ["HF_EFFICIENT_HOME"] = str(folder / "cache")  # a forked process has the variables of the first test
    written = []
    write = encode._write
    encode._write = lambda path, batches: (written.append(path), write(path, batches))
    recipe = Recipe.from_mapping({"training": {"output_dir": str(folder / "run"), "precision": "fp32"}, **words})
    args, _, scheduler = training_arguments(recipe, RunDirectory.of(recipe))
    try:
        rows = build(recipe, args, scheduler).train_dataset
    finally:
        encode._write = write
    return len(written), [file["filename"] for file in rows.cache_files]


@pytest.mark.parametrize("task", ["text-classification", "text-generation"])
def test_two_processes_and_a_restart_encode_once(task, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    rows = [{"text": f"stir {'the soup ' * 9}{number}", "label": "ab"[number % 2]} for number in range(ROWS)]
    data = {"train": str(write_rows(tmp_path / "rows.jsonl", rows))}
    data["validation"] = str(write_rows(tmp_path / "valid.jsonl", rows[:10]))
    model = {"name": save_llama(tmp_path / "llama")}
    if task == "text-classification":
        model = {"name": "demo/tiny-bert", "initialization": "random"}
    words = {"task": {"type": task}, "model": model, "data": {**data, "max_length": 32}}
    ranks = run_processes(2, encoded, tmp_path, words)
    entries = len(list((tmp_path / "cache" / "encoded").glob("*.arrow")))
    assert sum(written for written, _ in ranks) == entries
    assert entries == (2 if task == "text-classification" else 4)  # uncut texts, and the sequences made of them
    restarted, files = encoded(tmp_path, words)
    assert restarted == 0
    assert files
    assert all(found == files for _, found in ranks)
