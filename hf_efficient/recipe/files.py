"""Finding a recipe's file: where the user says, or among the recipes that the package ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hf_efficient.errors import RecipeError, did_you_mean

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_FOLDERS: Final = (_PACKAGE / "configs", _PACKAGE.parent / "configs")
"""Where the shipped recipes lie in a wheel, and in a clone."""


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name without suffix."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def find_recipe(name: str | Path) -> Path:
    """The local file `name`, else the shipped recipe of that name: `quickstart`, or `configs/quickstart.yaml`.

    Raises RecipeError, with the nearest name, if there is neither.
    """
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            raise RecipeError(f"{name} is a directory; name a recipe in it, a .yaml file.")
        if path.exists():
            return path
    except OSError as error:
        raise RecipeError(f"{str(name)[:60]} can't be read: {error.strerror}.") from error
    shipped = shipped_recipes()
    if path.parent in (Path(), Path("configs")) and path.suffix in ("", ".yaml") and path.stem in shipped:
        return _shortest(shipped[path.stem])
    raise RecipeError(f"{name} does not exist, nor is it a shipped recipe.{_nearest(path, shipped)}")


def read_text(path: Path) -> str:
    """The text of a recipe's file.

    Raises RecipeError if it can't be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: byte {error.start + 1} is not UTF-8; save the recipe as UTF-8.") from error
    except OSError as error:
        raise RecipeError(f"{path} can't be read: {error.strerror}.") from error


def _nearest(path: Path, shipped: dict[str, Path]) -> str:
    beside = [str(sibling) for sibling in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
    nearest = did_you_mean(str(path), beside) or did_you_mean(path.stem, shipped)
    return nearest or f" Shipped are {', '.join(shipped)}."


def _shortest(path: Path) -> Path:
    """`path` as seen from the working directory if it lies below it, for messages that are easy to read."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
