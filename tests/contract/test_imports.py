"""Imports point down the flow: the arrows between the rooms of the package, read from its source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hf_efficient

PACKAGE = Path(hf_efficient.__file__).parent

FLOW = (
    "cli",
    "experiments",
    "training",
    "techniques",
    "plan",
    "models",
    "tasks",
    "data",
    "losses",
    "assets",
    "recipe",
    "errors",
)
"""Rooms from the top of the flow to its bottom; a room imports itself and what is below it."""
BESIDE = {
    "hub": {"recipe", "errors"},
    "measure": set(),
    "report": {"assets", "recipe", "errors"},
}
"""Rooms beside the flow, which only `cli`, `experiments` and `training` use, and `techniques` to measure; what they
import."""
HEAVY = {
    "accelerate", "datasets", "evaluate", "huggingface_hub", "numpy", "pandas", "pyarrow", "safetensors", "sklearn",
    "tokenizers", "torch", "transformers",
}  # fmt: skip


def imports(node: ast.AST, *, at_run_time: bool = False) -> Iterator[str]:
    """Full names of all that a module imports; with `at_run_time`, only of what importing it loads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports hide the room"
            yield from (f"{child.module}.{name.name}" for name in child.names)
        elif not (at_run_time and _is_put_off(child)):
            yield from imports(child, at_run_time=at_run_time)


def _is_put_off(node: ast.AST) -> bool:
    """Whether importing a module does not run this part of it."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def modules(room: str) -> list[Path]:
    """Source files of a room."""
    single = PACKAGE / f"{room}.py"
    return [single] if single.exists() else sorted((PACKAGE / room).rglob("*.py"))


def imported(path: Path, *, at_run_time: bool = False) -> set[str]:
    """Full names that a source file imports."""
    return set(imports(ast.parse(path.read_text(encoding="utf-8")), at_run_time=at_run_time))


def allowed(room: str) -> set[str]:
    """Rooms that a room may import, itself included."""
    if room in BESIDE:
        return {room, *BESIDE[room]}
    below = {*FLOW[FLOW.index(room) :]}
    if room == "techniques":
        return below | {"measure"}
    return below | set(BESIDE) if room in ("cli", "experiments", "training") else below


def test_every_room_has_its_place():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    # A wheel carries the recipes beside the rooms; the two dunder modules are the doors.
    assert found - {"__init__", "__main__"} == {*FLOW, *BESIDE}


@pytest.mark.parametrize("room", [*FLOW, *BESIDE])
def test_imports_point_down(room):
    names = {
        (path.name, name.split(".")[1])
        for path in modules(room)
        for name in imported(path)
        if name.startswith("hf_efficient.") and name != "hf_efficient.__version__"
    }
    assert not {(path, other) for path, other in names if other not in allowed(room)}


def test_the_arrows_are_really_read():
    assert "hf_efficient.techniques.apply_techniques" in imported(PACKAGE / "training" / "build.py")
    # One import inside a function, and one for the type checker alone.
    assert "hf_efficient.training.finetune.finetune" in imported(PACKAGE / "cli" / "finetune.py")
    assert "hf_efficient.training.finetune.finetune" not in imported(PACKAGE / "cli" / "finetune.py", at_run_time=True)
    assert "hf_efficient.recipe.Recipe" in imported(PACKAGE / "training" / "build.py")
    assert "hf_efficient.recipe.Recipe" not in imported(PACKAGE / "training" / "build.py", at_run_time=True)


@pytest.mark.parametrize("room", ["cli", "experiments", "recipe", "errors"])
def test_words_load_no_heavy_library(room):
    for path in modules(room):
        if path.parent.is_relative_to(PACKAGE / "experiments" / "active"):  # no words, but what runs them
            continue
        loaded = imported(path, at_run_time=True)
        assert not {name for name in loaded if name.split(".")[0] in HEAVY}, path
        assert not {name for name in loaded if name.startswith("hf_efficient.experiments.active")}, path
        if room == "cli":
            assert not {name for name in loaded if name.startswith("hf_efficient.training")}, path


def test_no_technique_imports_another_nor_the_trainer():
    folder = PACKAGE / "techniques"
    techniques = [path for path in modules("techniques") if path != folder / "__init__.py"]
    assert {folder / "peft.py", folder / "curriculum" / "__init__.py"} <= set(techniques)
    for path in techniques:
        own = f"hf_efficient.techniques.{path.relative_to(folder).with_suffix('').parts[0]}."
        strangers = ("hf_efficient.techniques", "hf_efficient.training")
        allowed = (own, "hf_efficient.techniques.difficulty.")  # what a curriculum and pruning have in common
        assert not {name for name in imported(path) if name.startswith(strangers) and not name.startswith(allowed)}


def test_importing_the_package_loads_no_heavy_library():
    program = "import sys, hf_efficient; dir(hf_efficient); hf_efficient.Recipe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "hf_efficient.recipe" in loaded
    assert not loaded & HEAVY
