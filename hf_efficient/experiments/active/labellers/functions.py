"""Labels that need no person: those that the pool hides, or those that a function of the user's gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hf_efficient.data.files import first_line
from hf_efficient.data.labels import label_name
from hf_efficient.errors import DataError, PlanError, did_you_mean

if TYPE_CHECKING:
    from hf_efficient.experiments.active.loop import Labeller, Query
    from hf_efficient.experiments.active.state import LabelLog


def simulated(query: Query, log: LabelLog) -> None:
    """Give the labels that the pool has hidden."""
    log.give_all({row: query.pool.known[row] for row in query.rows}, "simulated")


def by_function(function: Callable[[Sequence[Any]], Sequence[Any]]) -> Labeller:
    """A labeller that asks `function(texts)` for one label a text; of pairs it is given tuples, of images files.

    It raises PlanError where the function fails, and DataError where it gives something else than labels.
    """

    def label(query: Query, log: LabelLog) -> None:
        rows = [tuple(row.values()) for row in query.pool.texts(query.rows)]
        try:
            answers = list(function([row[0] if len(row) == 1 else row for row in rows]))
        except Exception as error:  # the user's code may raise anything
            failure = f"{type(error).__name__}: {first_line(error)}"
            raise PlanError(f"active.labeller: the function fails with {failure}.") from error
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


def name_of(function: Callable[..., Any]) -> str:
    """`module:name` of a function, or of the class of what is called like one."""
    return f"{function.__module__}:{getattr(function, '__qualname__', type(function).__qualname__)}"
