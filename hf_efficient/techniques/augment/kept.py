"""Views that cost much: made once for each text and draw, many at a time, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tqdm import tqdm

from hf_efficient.assets.cache import cache_root
from hf_efficient.data.text_cache import TextCache, text_key

if TYPE_CHECKING:
    from hf_efficient.techniques.augment.draws import Draws


class Costly(Protocol):
    """What makes views with a model."""

    @property
    def rows_of_pass(self) -> int:
        """Texts that are given at a time."""
        ...

    def views(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str]:
        """One view of each text, by its own seed: which texts come together must not matter.

        Nothing where the text is too long for the model, as where it is empty.
        """
        ...


@dataclass(frozen=True)
class Kept:
    """An augmenter whose views are kept on disk, one log for each identity."""

    name: str
    """The augmenter's name in `augment:`."""
    draws: bool
    """Whether anything is left to chance, so that views of a text differ."""
    identity: Callable[[], str]
    """Gives a hash of all that decides a view beside the text and the draw: models, settings."""
    load: Callable[[], Costly]
    """Loads it, which is done when a view is missing."""
    makes: bool = True
    """Whether views are made; else a text whose view is not there is its own."""

    @cached_property
    def _augmenter(self) -> Costly:
        return self.load()

    @cached_property
    def _cache(self) -> TextCache:
        return TextCache(cache_root() / "views" / f"{self.identity()}.jsonl", f"views of {self.name}")

    @property
    def found(self) -> list[float | None]:
        """CPU seconds that each view had cost which was found on disk, and not made here; None where nobody knows."""
        return list(self._cache.found.values())

    def __call__(self, texts: Sequence[str], rows: Sequence[int], draws: Draws) -> list[str | None]:
        """One view of each text, None where it is too long for the model.

        `rows` are their numbers in the table, by which their random numbers are drawn.

        Raises:
            HfEfficientError: views can't be kept.
        """
        seeds = draws.seeds(rows) if self.draws else [0] * len(rows)
        keys = [text_key(str(seed), text) for seed, text in zip(seeds, texts, strict=True)]
        if not self.makes:
            known = self._cache.known()
            views = [known.get(key, text) for key, text in zip(keys, texts, strict=True)]
        else:
            views = self._cache.texts(keys, lambda numbers: self._views(numbers, texts, seeds))
        return [view or (None if text.strip() else text) for view, text in zip(views, texts, strict=True)]

    def _views(
        self, numbers: list[int], texts: Sequence[str], seeds: Sequence[int]
    ) -> Iterator[tuple[list[int], list[str]]]:
        for few in passes(self.name, numbers, [len(text) for text in texts], self._augmenter.rows_of_pass):
            yield few, self._augmenter.views([texts[number] for number in few], [seeds[number] for number in few])


def passes(name: str, numbers: Sequence[int], lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """The numbers, `size` at a time, from the longest text to the shortest, under a progress bar."""
    ordered = sorted(numbers, key=lambda number: (-lengths[number], number))
    with tqdm(total=len(ordered), desc=name, unit="text", leave=False) as bar:
        for start in range(0, len(ordered), size):
            few = ordered[start : start + size]
            yield few
            bar.update(len(few))
