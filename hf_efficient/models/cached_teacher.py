"""A teacher whose answers to the training rows are looked up, and computed only for rows that are not among them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hf_efficient.data.answers import Answer, Answers, Key, row_key
from hf_efficient.models.teacher import Teachers

_NOT_FED = ("labels", "sample_weight")
_NO_MATTER = ("_name_or_path", "transformers_version", "architectures", "dtype")
"""Fields of a configuration that don't change what a model computes."""

ROWS_OF_PASS = 64
"""Rows that the teacher answers at a time: always the same, so that answers are the same, too."""


def teacher_key(teachers: Teachers) -> str:
    """A hash of all that decides a teacher's answers beside the row: weights, architecture, number format."""
    digest = hashlib.blake2b(digest_size=16)
    for model in teachers.models:
        config = {key: value for key, value in model.config.to_dict().items() if key not in _NO_MATTER}
        digest.update(json.dumps(config, sort_keys=True, default=str).encode())
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    digest.update(f"{teachers.autocast} {teachers.device.type}".encode())
    return digest.hexdigest()


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
        self._rows = rows
        self._collator = collator
        self._per_token = per_token
        self._numbers = self._first_of_each()
        self._answers = Answers(root / teacher_key(teachers), self._numbers)

    def _first_of_each(self) -> dict[Key, int]:
        """Number of the first row of each key, from the longest row to the shortest."""
        lengths = np.asarray(self._rows["length"]) if "length" in self._rows.column_names else np.ones(len(self._rows))
        order = np.argsort(-lengths, kind="stable")
        numbers: dict[Key, int] = {}
        for few in _cut(order.tolist()):
            for number, row in zip(few, _rows_of(self._batch(few)), strict=True):
                numbers.setdefault(row_key(row), number)
        return numbers

    def fill(self, shown: Callable[[Sequence[Any]], Iterable[Any]] = iter) -> int:
        """Have every training row answered; gives how many were not yet.

        Args:
            shown: goes over the shards that are computed, to show how far they are.

        Raises:
            HfEfficientError: the answers can't be kept.
        """
        return self._answers.fill(lambda keys: self._answer([self._numbers[key] for key in keys]), shown)

    def open(self) -> None:
        """Map the answers into memory that are on disk by now, whichever process has computed them."""
        self._answers.open()

    def logits(self, inputs: Mapping[str, Any]) -> Tensor:
        """The teacher's logits, shaped as the student's: looked up, or computed where a row was never answered."""
        found = [self._answers.get(row_key(row)) for row in _rows_of(inputs)]
        answers = [answer for answer in found if answer is not None]
        if len(answers) < len(found):
            return self.teachers.logits(inputs)
        return self._joined(answers, inputs).to(self.teachers.device)

    def _batch(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        batch = self._collator([self._rows[number] for number in numbers])
        return {name: value for name, value in batch.items() if name not in _NOT_FED}

    def _answer(self, numbers: Sequence[int]) -> list[Answer]:
        answers: list[Answer] = []
        for few in _cut(numbers):
            batch = {name: value.to(self.teachers.device) for name, value in self._batch(few).items()}
            logits = self.teachers.logits(batch).float().cpu().numpy()
            answers += (
                [row[mask] for row, mask in zip(logits, _mask(batch), strict=True)]
                if self._per_token
                else [row[None] for row in logits]
            )
        return answers

    def _joined(self, answers: list[Answer], inputs: Mapping[str, Any]) -> Tensor:
        """A batch of answers: (samples, classes), or (samples, tokens, classes) with 0 where there is no token."""
        stacked = np.concatenate(answers)
        if not self._per_token:
            return torch.from_numpy(stacked)
        mask = _mask(inputs)
        joined = np.zeros((*mask.shape, stacked.shape[-1]), dtype=np.float32)
        joined[mask] = stacked
        return torch.from_numpy(joined)


def _cut(numbers: Sequence[int]) -> list[Sequence[int]]:
    return [numbers[start : start + ROWS_OF_PASS] for start in range(0, len(numbers), ROWS_OF_PASS)]


def _mask(inputs: Mapping[str, Any]) -> NDArray[np.bool_]:
    return np.asarray(inputs["attention_mask"].cpu().numpy(), dtype=bool)


def _rows_of(inputs: Mapping[str, Any]) -> Iterator[dict[str, NDArray[Any]]]:
    """The rows of a batch without the padding."""
    arrays = {name: value.cpu().numpy() for name, value in inputs.items()}
    masks = _mask(inputs) if "attention_mask" in arrays else None
    for number in range(len(next(iter(arrays.values())))):
        row = {name: value[number] for name, value in arrays.items()}
        if masks is not None:
            present = masks[number]
            row = {name: value[present] if value.shape == present.shape else value for name, value in row.items()}
        yield row
