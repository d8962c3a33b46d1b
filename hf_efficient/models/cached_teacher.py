"""A teacher whose answers to the training rows are looked up, and computed only for rows that are not among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hf_efficient.data.row_cache import Value
from hf_efficient.models.cached_rows import CachedRows, computation_key, mask_of, padded, row_keys, without_padding
from hf_efficient.models.teacher import Teachers


def teacher_key(teachers: Teachers) -> str:
    """A hash of all that decides a teacher's answers beside the row: weights, architecture, number format."""
    (model,) = teachers.models
    weights = sorted(model.state_dict().items())
    return computation_key(model.config, weights, str(teachers.autocast), teachers.device.type)


class CachedTeacher:
    """One teacher and its answers on disk."""

    def __init__(
        self,
        teachers: Teachers,
        root: Path,
        rows: Any,
        collator: Callable[[Sequence[Any]], Mapping[str, Any]],
        *,
        per_token: bool,
    ) -> None:
        """A teacher that has not answered anything yet.

        Args:
            teachers: a single one.
            root: the folder of all caches.
            rows: the encoded training rows.
            collator: what makes batches of them.
            per_token: whether each token has an answer, and not each row.
        """
        self.teachers = teachers
        self._root = root
        self._rows = CachedRows(rows, collator)
        self._per_token = per_token

    def open(self, shown: Callable[[Sequence[Any]], Iterable[Any]] = iter) -> int:
        """Have every training row answered and map the answers into memory; gives how many were not there yet.

        Args:
            shown: goes over the groups of rows that are computed, to show how far they are.

        Raises:
            HfEfficientError: the answers can't be kept.
        """
        return self._rows.open(
            self._root / teacher_key(self.teachers),
            self._answer,
            what="the teacher's answers",
            remedy="set distill.cache: false",
            shown=shown,
        )

    def logits(self, inputs: Mapping[str, Any]) -> Tensor:
        """The teacher's logits, shaped as the student's: looked up, or computed where a row was never answered."""
        answers = self._rows.get(row_keys(inputs))
        if answers is None:
            return self.teachers.logits(inputs)
        joined = padded(answers, mask_of(inputs)) if self._per_token else np.concatenate(answers)
        return torch.from_numpy(joined).to(self.teachers.device)

    def _answer(self, batch: Mapping[str, Tensor]) -> list[Value]:
        placed = {name: value.to(self.teachers.device) for name, value in batch.items()}
        logits = self.teachers.logits(placed).float().cpu().numpy()
        return without_padding(logits, mask_of(batch)) if self._per_token else [row[None] for row in logits]
