"""How difficult a model finds rows: computed once, and kept on disk by what decides it."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hf_efficient.data.difficulty import Scores
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.losses.difficulty import difficulty
from hf_efficient.losses.rows import Batch, is_side_column
from hf_efficient.losses.supervised import Supervised
from hf_efficient.models.brief import batch_of
from hf_efficient.models.cached_rows import ROWS_OF_PASS, lengths_of
from hf_efficient.models.teacher import Teacher

_FORMAT: Final = "1"
"""Goes up when scores are computed in another way."""


@dataclass(frozen=True)
class Scored:
    """The difficulty of each row, and what it took to compute."""

    scores: Scores
    seconds: float
    cpu_seconds: float
    found: bool = False
    """Whether an earlier run has computed it."""


def timed(compute: Callable[[], Scores]) -> Scored:
    """Scores, computed now."""
    wall, cpu = time.perf_counter(), time.process_time()
    scores = compute()
    return Scored(scores, time.perf_counter() - wall, time.process_time() - cpu)


def scores_of_model(
    by: str,
    labels: Supervised,
    asked: Teacher,
    rows: Any,
    collator: Callable[[Sequence[Any]], Mapping[str, Any]],
    shown: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Scores:
    """What a model says of each row, in one pass over them from the longest to the shortest.

    Raises:
        PlanError: what it says are no finite numbers.
    """
    order = np.argsort(-lengths_of(rows), kind="stable")
    scores = np.zeros(len(rows), dtype=np.float32)
    for start in shown(range(0, len(rows), ROWS_OF_PASS)):
        numbers = order[start : start + ROWS_OF_PASS]
        columns = batch_of(rows, numbers, collator, asked.device)
        side = {name: value for name, value in columns.items() if is_side_column(name)}
        batch = Batch(columns, side, {"logits": asked.logits(columns)})
        scores[numbers] = difficulty(by, labels, batch).float().cpu().numpy()
    if not np.isfinite(scores).all():
        raise PlanError(
            f"the model that is asked for the {by} of the training rows gives no finite numbers; take another "
            "reference, or a lower learning_rate under brief."
        )
    return scores


def keep_scores(folder: Path, key: str, compute: Callable[[], Scores]) -> Scored:
    """Scores, computed now and put into a folder under a key.

    Raises:
        HfEfficientError: they can't be written.
    """
    scored = timed(compute)
    try:
        _write(folder / f"{key}.npz", scored)
    except OSError as error:
        raise HfEfficientError(
            f"{folder}: the difficulty of rows can't be kept there ({error.strerror or error}); free some space, or "
            "name another folder in HF_EFFICIENT_HOME."
        ) from error
    return scored


def _write(path: Path, scored: Scored) -> None:
    """Write a file that holds all of the scores or does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, scores=scored.scores, seconds=[scored.seconds, scored.cpu_seconds])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def find_scores(folder: Path, key: str, num_rows: int) -> Scored | None:
    """The scores that lie in a folder under a key, if they do and are whole."""
    try:
        with (folder / f"{key}.npz").open("rb") as file, np.load(file) as kept:
            scores, (seconds, cpu_seconds) = kept["scores"], kept["seconds"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Scored(scores, float(seconds), float(cpu_seconds), found=True) if len(scores) == num_rows else None


def scores_key(model: str, rows: Any, *how: str) -> str:
    """A hash of what decides the scores of rows: the model's own hash, the rows' content, and how it is asked."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(" ".join((_FORMAT, model, *how)).encode())
    digest.update(_content(rows))
    return digest.hexdigest()


def _content(rows: Any) -> Any:
    """The columns of a data set as bytes, whatever file or selection they come from."""
    import pyarrow as pa

    table = rows.with_format("arrow")[:].replace_schema_metadata(None)
    table = table.take(np.arange(len(table))).combine_chunks()  # a part of a table keeps the offsets of the whole
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()
