"""Labels that need no person: those that the pool hides, or those that a function of the user's gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_efficient.data.labels import label_name
from hf_efficient.errors import DataError, RecipeError, did_you_mean

if TYPE_CHECKING:
    from hf_efficient.experiments.active.loop import Labeller, Query
    from hf_efficient.experiments.active.state import LabelLog


def simulated(query: Query, log: LabelLog) -> None:
    """Give the labels that the pool has hidden."""
    log.give_all({row: query.pool.known[row] for row in query.rows}, "simulated")


def by_function(function: Callable[[Sequence[Any]], Sequence[Any]]) -> Labeller:
    """A labeller that asks `function(texts)` for one label a text; of pairs it is given tuples, of images files."""

    def label(query: Query, log: LabelLog) -> None:
        rows = [tuple(row.values()) for row in query.pool.texts(query.rows)]
        answers = list(function([row[0] if len(row) == 1 else row for row in rows]))
        if len(answers) != len(query.rows):
            raise DataError(
                f"active.labeller: expected a label for each of {len(query.rows)} rows, found {len(answers)}"
            )
        names = [label_name(answer) for answer in answers]
        for number, name in enumerate(names):
            if name not in log.classes:
                raise DataError(
                    f"active.labeller: expected one of {', '.join(log.classes)} for row {query.rows[number]} of the "
                    f"pool, found {name}; correct the function, or task.labels.{did_you_mean(name, log.classes)}"
                )
        log.give_all(dict(zip(query.rows, names, strict=True)), "function")

    return label


def load_function(path: str, place: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """The function that `package.module:function` names; modules of the working directory are found, too.

    Raises:
        RecipeError: there is no such module or function.
    """
    module_name, _, name = path.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise RecipeError(
            f"{place}: {module_name} can't be imported ({error}); write package.module:function."
        ) from error
    finally:
        sys.path.remove(here)
    function: Any = getattr(module, name, None)
    if not callable(function):
        raise RecipeError(f"{place}: {module_name} has no function {name}.{did_you_mean(name, dir(module))}")
    return function  # type: ignore[no-any-return]
