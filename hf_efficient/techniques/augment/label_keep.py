"""Views that a fine-tuned model takes for another class than it takes their row for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from hf_efficient.assets.cache import cache_root
from hf_efficient.data.text_cache import TextCache, text_key
from hf_efficient.models.at_hand import content_key, require_at_hand
from hf_efficient.models.cached_rows import computation_key
from hf_efficient.models.checks import longest_read, set_pad_token
from hf_efficient.models.load import Place
from hf_efficient.models.teacher import Loaded, load_teacher
from hf_efficient.techniques.augment.how_many import require_classes
from hf_efficient.techniques.augment.kept import passes

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.train_rows import TrainRows
    from hf_efficient.recipe.augment import Augment
    from hf_efficient.recipe.augment_models import KeepLabel

_ROWS_OF_PASS: Final = 64

Text = tuple[str, ...]
"""A text, or both of a pair."""


def check(section: KeepLabel, place: Place) -> None:
    """Refuse a model that is not on this machine.

    Raises:
        AssetError: it is not.
    """
    require_at_hand(section.teacher, place("augment.keep_label.teacher"))


def keeper_of(section: Augment, rows: TrainRows) -> LabelKeeper | None:
    """The check that the section asks for, its model loaded; None where it asks for none, or no views are made.

    Raises:
        RecipeError, PlanError: as `LabelKeeper.of`.
    """
    if section.control or section.keep_label is None or not rows.makes_views:
        return None
    return LabelKeeper.of(section.keep_label, rows)


@dataclass(frozen=True)
class LabelKeeper:
    """A model that says of which class a text is, and how sure of another class it must be to drop a view."""

    teacher: Loaded
    confidence: float
    columns: tuple[str, ...]
    """The columns of texts."""

    @classmethod
    def of(cls, section: KeepLabel, rows: TrainRows) -> Self:
        """The check with its settings, the model loaded.

        Raises:
            RecipeError: there is no such model.
            PlanError: it is not fine-tuned on these labels, or the task has no classes that exclude one another.
        """
        place = rows.place("augment.keep_label")
        require_classes(rows.task, place)
        teacher = load_teacher(section.teacher, rows.task, rows.place("augment.keep_label.teacher"))
        set_pad_token(teacher.tokenizer, None, place)
        columns = (rows.columns.text, rows.columns.text_pair)
        teacher.model.to(rows.device)
        return cls(teacher, section.confidence, tuple(filter(None, columns)))

    def flips(self, rows: Dataset, views: Dataset) -> NDArray[np.bool_]:
        """Which views the model is sure to be of another class than it finds their row to be.

        Raises:
            HfEfficientError: its answers can't be kept.
        """
        texts = [list(zip(*(table[name][:] for name in self.columns), strict=True)) for table in (rows, views)]
        changed = [number for number, (row, view) in enumerate(zip(*texts, strict=True)) if row != view]
        flipped = np.zeros(len(rows), dtype=np.bool_)
        of_rows, of_views = (self._classes([each[number] for number in changed]) for each in texts)
        for number, (before, _), (after, confidence) in zip(changed, of_rows, of_views, strict=True):
            flipped[number] = before != after and confidence >= self.confidence
        return flipped

    def _classes(self, texts: Sequence[Text]) -> Iterator[tuple[int, float]]:
        """The likeliest class of each text, and its probability; asked once and kept on disk."""
        answers = self._cache.texts([text_key(*text) for text in texts], lambda numbers: self._answers(numbers, texts))
        return ((int(label), float(confidence)) for label, confidence in map(str.split, answers))

    @cached_property
    def _cache(self) -> TextCache:
        return TextCache(cache_root() / "classes" / f"{self._key}.jsonl", "answers of augment.keep_label.teacher")

    @property
    def _key(self) -> str:
        model, tokenizer = self.teacher.model, self.teacher.tokenizer
        with TemporaryDirectory() as folder:
            tokenizer.save_pretrained(folder)
            return computation_key(model.config, model.state_dict().items(), "classes", content_key(Path(folder)))

    def _answers(self, numbers: list[int], texts: Sequence[Text]) -> Iterator[tuple[list[int], list[str]]]:
        lengths = [sum(map(len, text)) for text in texts]
        for few in passes("keep_label", numbers, lengths, _ROWS_OF_PASS):
            yield few, self._answer([texts[number] for number in few])

    @torch.no_grad()
    def _answer(self, texts: Sequence[Text]) -> list[str]:
        model, tokenizer = self.teacher.model, self.teacher.tokenizer
        longest = longest_read(model.config, tokenizer)
        parts = [list(part) for part in zip(*texts, strict=True)]
        cut = {"truncation": longest is not None, "max_length": longest}
        batch = tokenizer(*parts, padding=True, return_tensors="pt", **cut)
        likeliest = model(**batch.to(model.device)).logits.float().softmax(-1).max(-1)
        found = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        return [f"{label} {confidence:.6f}" for label, confidence in found]


def with_rows_instead(rows: Dataset, views: Dataset, replaced: NDArray[np.bool_]) -> Dataset:
    """The views, and rows in the place of some of them."""
    from datasets import concatenate_datasets

    numbers = np.arange(len(rows))
    return concatenate_datasets([views, rows]).select(np.where(replaced, numbers + len(rows), numbers))
