"""The wheel holds all that the package needs, and works where there is no clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of a wheel, built from this clone without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function that runs a module of the unpacked wheel, far from the clone."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    environment = {**os.environ, "PYTHONPATH": str(folder)}

    def installed(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert installed("-c", "import hf_efficient; print(hf_efficient.__file__)").startswith(str(folder))
    return installed


def test_the_wheel_holds_the_recipes_the_assets_and_the_type_marker(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    recipes = {f"hf_efficient/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    builtin = ROOT / "hf_efficient" / "assets" / "builtin"
    assets = {str(path.relative_to(ROOT)) for path in builtin.rglob("*") if path.is_file()}
    assert "hf_efficient/configs/quickstart.yaml" in recipes
    assert len(assets) >= 5
    assert recipes | assets | {"hf_efficient/py.typed"} <= names


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        modules = {name for name in names if name.endswith(".py")}
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()
    assert modules == {str(path.relative_to(ROOT)) for path in (ROOT / "hf_efficient").rglob("*.py")}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"hf_efficient"}
    assert not [name for name in names if "__pycache__" in name]
    assert "\nLicense-Expression: Apache-2.0\n" in text
    assert "\nRequires-Dist: torch<2.14,>=2.13\n" in text


def test_the_shipped_recipes_work_outside_a_clone(installed):
    assert installed("-m", "hf_efficient", "validate", "quickstart") == (
        "quickstart is valid: text-classification, model demo/minilm-l6, data demo/movie-sentiment\n"
    )
    assert json.loads(installed("-m", "hf_efficient", "schema"))["title"] == "Recipe"


def test_the_builtin_assets_work_outside_a_clone(installed):
    folder = installed("-c", "from hf_efficient.assets import resolve; print(resolve('demo/tiny-bert'))").strip()
    assert (Path(folder) / "tokenizer.json").is_file()
    assert not Path(folder).is_relative_to(ROOT)
