from __future__ import annotations

import os
from pathlib import Path

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Recipe, files
from hf_efficient.recipe.files import find_recipe, shipped_recipes


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["quickstart", "quickstart.yaml", "configs/quickstart.yaml", "configs/quickstart"])
def test_a_shipped_recipe_is_found_from_anywhere(elsewhere, name):
    assert find_recipe(name).samefile(shipped_recipes()["quickstart"])
    assert Recipe.load(name).training.output_dir == "runs/quickstart"


def test_a_local_file_comes_first(elsewhere):
    (elsewhere / "quickstart.yaml").write_text("model: {name: mine}\n")
    assert Recipe.load("quickstart.yaml").model.name == "mine"
    assert Recipe.load("quickstart").model.name == "demo/minilm-l6"


def test_a_shipped_recipe_below_the_working_directory_is_named_from_there(monkeypatch):
    monkeypatch.chdir(shipped_recipes()["smoke"].parent.parent)
    assert Recipe.load("smoke").place("model.name").startswith("configs/smoke.yaml:")


def test_a_wheel_carries_its_recipes(elsewhere, monkeypatch):
    (elsewhere / "configs").mkdir()
    (elsewhere / "configs" / "only.yaml").write_text("model: {name: m}\n")
    monkeypatch.setattr(files, "_FOLDERS", (elsewhere / "missing", elsewhere / "configs"))
    assert list(shipped_recipes()) == ["only"]
    monkeypatch.setattr(files, "_FOLDERS", (elsewhere / "missing",))
    assert shipped_recipes() == {}


def message(name):
    with pytest.raises(RecipeError) as caught:
        Recipe.load(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_names_the_nearest(elsewhere):
    (elsewhere / "mine.yaml").write_text("")
    assert message("mime.yaml") == "mime.yaml does not exist, nor is it a shipped recipe. Did you mean mine.yaml?"
    assert message("quickstrat") == "quickstrat does not exist, nor is it a shipped recipe. Did you mean quickstart?"
    assert ", distilbert-sst2, " in message("elsewhere/zzzz.yaml")


def test_a_directory_is_no_recipe(elsewhere):
    assert message(elsewhere) == f"{elsewhere} is a directory; name a recipe in it, a .yaml file."


def test_a_file_that_is_no_utf8(elsewhere):
    Path("a.yaml").write_bytes("model: {name: é}\n".encode("latin-1"))
    assert message("a.yaml") == "a.yaml: byte 15 is not UTF-8; save the recipe as UTF-8."


def test_a_byte_order_mark_is_no_text(elsewhere):
    Path("a.yaml").write_text("model: {name: é}\r\n", encoding="utf-8-sig")
    assert Recipe.load("a.yaml").model.name == "é"


def test_a_file_that_can_not_be_read(elsewhere, monkeypatch):
    Path("a.yaml").write_text("")

    def refuse(*args, **kwargs):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert message("a.yaml") == "a.yaml can't be read: Permission denied."


def test_a_name_that_no_file_can_have(elsewhere):
    assert message("x" * 5000) == f"{'x' * 60} can't be read: File name too long."
