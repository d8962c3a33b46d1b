"""The README's commands and code run as they stand there; `make quickstart` and `make test` are run by CI."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hf_efficient.assets import ASSETS
from hf_efficient.assets.cache import is_cached
from hf_efficient.recipe import Recipe
from tests.tiny import Case
from tests.trajectory import arguments

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("hf-efficient")]


def test_the_first_screen_holds_the_two_commands():
    assert re.findall(r"^make (\w+)", blocks("sh")[0], flags=re.MULTILINE) == ["quickstart", "test"]
    assert README.index("make quickstart") < 1200


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with a file of reviews, and the package's commands on the path."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(48):
            rows.writerow([f"{'A fine' if i % 2 else 'A poor'} film, number {i}.", "positive" if i % 2 else "negative"])
    return tmp_path


@pytest.mark.skipif(
    not is_cached(ASSETS["demo/minilm-l6"]),
    reason="demo/minilm-l6 is not in the cache; `make quickstart` or `hf-efficient assets fetch` puts it there",
)
def test_its_commands_run_in_their_order(folder):
    assert [shlex.split(command)[1] for command in COMMANDS] == [
        "init", "validate", "explain", "finetune", "evaluate", "predict",
    ]  # fmt: skip
    for command in COMMANDS:
        done = subprocess.run(shlex.split(command, comments=True), capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (folder / "runs" / "reviews" / "model" / "model.safetensors").is_file()


def test_its_recipe_is_valid_and_its_error_is_what_is_printed(folder):
    (recipe,) = blocks("yaml")
    (folder / "recipe.yaml").write_text(recipe)
    assert Recipe.load("recipe.yaml").hub.repo_id == "me/my-model"
    wrong = re.search(r"^error: (.*)$", README, flags=re.MULTILINE)[1]
    (folder / "recipe.yaml").write_text(recipe.replace("learning_rate:", "learning_rat:"))
    done = subprocess.run(["hf-efficient", "validate", "recipe.yaml"], capture_output=True, text=True)
    assert done.stderr.strip() == f"error: {wrong}"
    assert done.returncode == 2


def test_its_python_runs(folder, monkeypatch, tmp_path, capsys):
    (folder / "configs").symlink_to(ROOT / "configs")
    first, second = blocks("python")
    exec(first, {})
    assert (folder / "runs" / "python" / "report.json").is_file()
    case = Case("bert", "single_label_classification")
    args = arguments(str(tmp_path / "out"), eval_strategy="epoch")
    names = {"model": case.make_model(), "args": args, "rows": case.rows(16), "held_out": case.rows(8)}
    exec(second, names)
    names["trainer"].train()
    assert names["trainer"].state.global_step > 0
