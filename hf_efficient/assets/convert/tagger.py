"""An averaged perceptron that tags parts of speech (Honnibal, 2013), out of a pickle into NLTK's JSON files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Final

from hf_efficient.errors import AssetError

FILES: Final = tuple(f"averaged_perceptron_tagger_eng.{part}.json" for part in ("weights", "tagdict", "classes"))
"""As NLTK names them."""


class _Unpickler(pickle.Unpickler):
    """Makes dicts, tuples, strings and numbers, which need no code, and sets."""

    def find_class(self, module: str, name: str, /) -> Any:
        """The built-in set; a pickle that asks for anything else could run whatever it likes."""
        if (module, name) not in {("__builtin__", "set"), ("builtins", "set")}:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return set


def convert(source: Path, target: Path) -> None:
    """Write NLTK's three files for the only pickle.

    Raises:
        AssetError: the pickle holds something else, or asks for code.
    """
    path = next(source.glob("*.pickle"))
    try:
        with path.open("rb") as file:
            weights, unambiguous, tags = _Unpickler(file).load()
        contents = weights, unambiguous, sorted(tags)
    except (pickle.UnpicklingError, TypeError, ValueError, EOFError) as error:
        raise AssetError(f"{path.name} is not the tagger's pickle: {error}") from error
    for name, content in zip(FILES, contents, strict=True):
        (target / name).write_text(json.dumps(content), encoding="utf-8")
