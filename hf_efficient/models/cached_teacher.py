"""A teacher whose answers to the training rows are looked up, and computed only for rows that are not among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from hf_efficient.data.row_cache import ROWS_OF_GROUP, Key, Value
from hf_efficient.losses.supervised import IGNORED
from hf_efficient.models.cached_rows import (
    ROWS_OF_PASS,
    CachedRows,
    Inputs,
    Mask,
    computation_key,
    lengths_of,
    mask_of,
    padded,
    row_keys,
    rows_of_group,
    without_padding,
)
from hf_efficient.models.teacher import Teacher

_ROWS_OF_LARGE_PASS: Final = 4
"""Rows that are answered at a time where an answer is a distribution over a vocabulary, of which few fit memory."""


def teacher_key(teacher: Teacher) -> str:
    """A hash of all that decides a teacher's answers beside the row: weights, architecture, format, what is kept."""
    weights = sorted(teacher.model.state_dict().items())
    how = (str(teacher.autocast), teacher.device.type, str(teacher.top))
    return computation_key(teacher.model.config, weights, *how)


class CachedTeacher:
    """A teacher and its answers on disk."""

    def __init__(
        self,
        teacher: Teacher,
        root: Path,
        rows: Any,
        collator: Callable[[Sequence[Any]], Mapping[str, Any]],
        *,
        per_token: bool,
    ) -> None:
        """A teacher that has not answered anything yet.

        Args:
            teacher: who answers where nothing was kept.
            root: the folder of all caches.
            rows: the encoded training rows.
            collator: what makes batches of them.
            per_token: whether each token has an answer, and not each row.
        """
        self.teacher = teacher
        self._root = root
        rows_of_pass = ROWS_OF_PASS if teacher.top is None else _ROWS_OF_LARGE_PASS
        self._rows = CachedRows(rows, collator, self._keys, rows_of_pass)
        self._per_token = per_token
        self._bytes_of_token = 0 if teacher.top is None else 8 * teacher.top.k
        self._rows_of_group = ROWS_OF_GROUP
        if self._bytes_of_token:
            self._rows_of_group = rows_of_group(self._bytes_of_token * int(lengths_of(rows).max()), rows_of_pass)

    def open(self, shown: Callable[[Sequence[Any]], Iterable[Any]] = iter) -> int:
        """Have every training row answered and map the answers into memory; gives how many were not there yet.

        Args:
            shown: goes over the groups of rows that are computed, to show how far they are.

        Raises:
            HfEfficientError: the answers can't be kept.
        """
        return self._rows.open(
            self._root / teacher_key(self.teacher),
            self._answer,
            what="the teacher's answers",
            remedy="set distill.cache: false",
            shown=shown,
            bytes_of_token=self._bytes_of_token,
            rows_of_group=self._rows_of_group,
        )

    def logits(self, batch: Mapping[str, Any], /) -> Tensor:
        """What the teacher answers: looked up, or computed where a row was never answered."""
        answers = self._rows.get(self._keys(batch))
        if answers is None:
            return self.teacher.logits(batch)
        joined = padded(answers, self._answered(batch)) if self._per_token else np.concatenate(answers)
        return torch.from_numpy(joined).to(self.teacher.device)

    def _answer(self, batch: Inputs) -> list[Value]:
        placed = {name: value.to(self.teacher.device) for name, value in batch.items()}
        logits = self.teacher.logits(placed).float().cpu().numpy()
        return without_padding(logits, self._answered(batch)) if self._per_token else [row[None] for row in logits]

    def _keys(self, batch: Mapping[str, Any]) -> list[Key]:
        inputs = self.teacher.inputs(batch)
        present, answered = _present(inputs), self._answered(batch)
        return row_keys(inputs, lambda column: answered if column.startswith("decoder_") else present)

    def _answered(self, batch: Mapping[str, Any]) -> Mask | None:
        """Where the answers are: at the tokens of a decoder's target, else at those that the teacher is fed."""
        inputs = self.teacher.inputs(batch)
        if "decoder_input_ids" in inputs:
            return np.asarray(batch["labels"].cpu().numpy() != IGNORED)
        return _present(inputs)


def _present(inputs: Inputs) -> Mask | None:
    """Where rows have tokens, (samples, tokens); None where they have none.

    Rows that share a sequence have positions instead of a mask. Those at its end that are 0 are padding, or texts of a
    single token, whose successor is nobody's target: nothing is learnt there.
    """
    if "position_ids" not in inputs or "attention_mask" in inputs:
        return mask_of(inputs)
    positions = inputs["position_ids"].cpu().numpy()
    following = np.flip(np.maximum.accumulate(np.flip(positions, axis=1), axis=1), axis=1)
    return np.asarray(following > 0)
