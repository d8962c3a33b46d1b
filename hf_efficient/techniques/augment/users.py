"""Augmenters of the user's own: functions, and objects of nlpaug."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hf_efficient.data.files import first_line
from hf_efficient.errors import DataError, PlanError
from hf_efficient.techniques.augment.draws import Draws


@dataclass(frozen=True)
class Function:
    """`function(texts, seeds)` gives one view of each text; a seed is all that its random choices may depend on."""

    function: Callable[[list[str], list[int]], Sequence[str]]
    place: str

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> list[str]:
        """One view of each text.

        Raises:
            DataError: the function fails, or gives something else.
        """
        try:
            views = list(self.function(list(texts), draws.seeds(rows)))
        except Exception as error:  # the user's code may raise anything
            raise DataError(f"{self.place} fails with {type(error).__name__}: {first_line(error)}") from error
        if len(views) != len(texts) or not all(isinstance(view, str) for view in views):
            found = f"{len(views)} values" if len(views) != len(texts) else "other values than texts"
            raise DataError(f"{self.place}: expected {len(texts)} texts, one for each that was given, found {found}")
        return views


@dataclass(frozen=True)
class Nlpaug:
    """An augmenter of nlpaug, or any object whose `augment(text)` gives a text or a list of them.

    nlpaug draws from the global random numbers of Python and numpy: both are seeded for each row, and left as they
    were.
    """

    augmenter: Any
    place: str

    @classmethod
    def made_by(cls, factory: Callable[[], Any], place: str) -> Self:
        """The augmenter that a function of the user's makes.

        Raises:
            PlanError: it fails, or makes something else.
        """
        try:
            augmenter = factory()
        except Exception as error:  # the user's code may raise anything
            raise PlanError(f"{place} fails with {type(error).__name__}: {first_line(error)}") from error
        if not callable(getattr(augmenter, "augment", None)):
            found = type(augmenter).__name__
            raise PlanError(f"{place}: expected it to give an object with augment(text), found {found}")
        return cls(augmenter, place)

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> list[str]:
        """One view of each text; one that nlpaug gives nothing for, as for an empty text, is left as it is.

        Raises:
            DataError: the augmenter fails, or gives something else.
        """
        with _global_random_numbers():
            return [self._view(text, seed) for text, seed in zip(texts, draws.seeds(rows), strict=True)]

    def _view(self, text: str, seed: int) -> str:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            views = self.augmenter.augment(text)
        except Exception as error:  # whatever an augmenter of the user's raises
            raise DataError(f"{self.place} fails with {type(error).__name__}: {first_line(error)}") from error
        while isinstance(views, list):
            views = views[0] if views else text
        if not isinstance(views, str):
            raise DataError(f"{self.place}: expected augment(text) to give a text, found {type(views).__name__}")
        return views


@contextmanager
def _global_random_numbers() -> Iterator[None]:
    """What the block does to them is undone."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
