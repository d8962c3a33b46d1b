"""The public names: sorted, importable, and no others."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import hf_efficient

PACKAGE = Path(hf_efficient.__file__).parent
DOORS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py") if "__all__" in path.read_text())


def _ordered(names):
    """Constants, classes, then functions, each by the alphabet: the order that ruff keeps."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def test_the_public_names():
    assert hf_efficient.__all__ == [
        "ActiveOutcome",
        "Augment",
        "Batching",
        "Curriculum",
        "Distill",
        "EarlyStopping",
        "EfficientTrainer",
        "Freeze",
        "HfEfficientError",
        "Outcome",
        "Peft",
        "Prune",
        "Recipe",
        "active_learning",
        "finetune",
    ]
    assert hf_efficient.__all__ == sorted(hf_efficient.__all__)


@pytest.mark.parametrize("name", hf_efficient.__all__)
def test_each_public_name_is_what_its_home_calls_so(name):
    value = getattr(hf_efficient, name)
    assert value.__name__ == name
    assert value.__module__.startswith("hf_efficient.")


def test_dir_lists_the_public_names_alone():
    assert dir(hf_efficient) == sorted([*hf_efficient.__all__, "__version__"])


def test_a_star_import_gives_the_public_names():
    names = {}
    exec("from hf_efficient import *", names)
    assert names.keys() - {"__builtins__"} == set(hf_efficient.__all__)


def test_the_type_checker_sees_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {name.name for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert seen == set(hf_efficient.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'hf_efficient' has no attribute 'Trainer'"):
        hf_efficient.Trainer  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    assert hf_efficient.__version__ == version("hf-efficient")
    assert re.fullmatch(r"\d+\.\d+\.\d+", hf_efficient.__version__)


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("room", DOORS)
def test_the_names_of_a_room_are_sorted_and_importable(room):
    module = import_module(f"hf_efficient.{room}")
    assert module.__all__ == _ordered(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_rooms_have_doors():
    assert {"recipe", "losses", "report"} <= set(DOORS)
