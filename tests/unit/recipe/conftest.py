from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Recipe

MINIMAL = "model:\n  name: demo/tiny-bert\ndata:\n  name: demo/smoke\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a recipe's text to a.yaml in the working directory, and returns that name."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="a.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.fixture
def load(write):
    """A function that loads a text, put below a minimal recipe, with overrides."""

    def load(text="", *overrides):
        return Recipe.load(write(MINIMAL + text), overrides)

    return load


@pytest.fixture
def complaint(load):
    """A function that gives the message with which a text, put below a minimal recipe of four lines, is refused."""

    def complaint(text="", *overrides):
        with pytest.raises(RecipeError) as caught:
            load(text, *overrides)
        return str(caught.value)

    return complaint
