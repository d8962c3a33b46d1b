"""Texts as token ids, tokenised once for all ranks, runs and restarts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from hf_efficient.errors import DataError, HfEfficientError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

_FORMAT: Final = 1
"""Goes up when the columns of a cache entry change."""
_CHUNK: Final = 1_000
_LONG_WORK: Final = 20_000
"""Rows from which a progress bar is worth its line."""


@dataclass(frozen=True)
class Encoded:
    """Rows as the model is fed them, and how many of them were cut."""

    dataset: Dataset
    """Columns of the tokenizer, and `length`, the row's number of tokens."""
    num_truncated: int


@dataclass(frozen=True)
class Texts:
    """The texts of a split, one a row, or the two of a pair."""

    first: Sequence[str]
    second: Sequence[str] | None = None
    target: bool = False
    """Whether they are what a model is to write: some tokenizers have another vocabulary or language for that."""
    special_tokens: bool = True
    """Whether the tokenizer puts its own marks around each, such as the begin of a text."""

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: slice) -> Self:
        return replace(self, first=self.first[rows], second=None if self.second is None else self.second[rows])

    def strings(self) -> Iterable[str]:
        """All that the tokens are made of, as texts."""
        return (*self.first, *(self.second or ()))

    def kind(self, tokenizer: PreTrainedTokenizerBase) -> list[Any]:
        """What else the tokens depend on; empty for plain texts."""
        marks = [] if self.special_tokens else ["no special tokens"]
        return [*([getattr(tokenizer, "tgt_lang", None)] if self.target else []), *marks]

    def tokens(self, tokenizer: PreTrainedTokenizerBase, **limits: Any) -> Mapping[str, list[list[int]]]:
        """The tokenizer's columns."""
        first = {"text_target" if self.target else "text": list(self.first)}
        second = None if self.second is None else list(self.second)
        columns: Mapping[str, list[list[int]]] = tokenizer(
            **first, text_pair=second, verbose=False, add_special_tokens=self.special_tokens, **limits
        )
        return columns


def encode_texts(
    texts: Texts,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    truncation: bool,
    split: str,
    cache: Path | None,
) -> Encoded:
    """The texts tokenised, and how many of them were cut; see `tokenise`."""
    rows = tokenise(texts, tokenizer, max_length=max_length, truncation=truncation, split=split, cache=cache)
    return Encoded(rows.remove_columns("truncated"), num_truncated(rows))


def num_truncated(*tables: Dataset) -> int:
    """Rows that were cut in any of the tables, which `tokenise` gave."""
    cut = [table.with_format("arrow")[:]["truncated"].to_pylist() for table in tables]
    return sum(any(row) for row in zip(*cut, strict=True))


def tokenise(
    texts: Texts,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    truncation: bool,
    split: str,
    cache: Path | None,
) -> Dataset:
    """The texts tokenised, memory-mapped from the folder `cache`; one process writes, the others wait for it.

    With None for a cache they are held in memory: a batch of a stream.

    Columns are the tokenizer's, `length`, and `truncated`, whether the row was cut.

    Raises:
        DataError: there are no rows, or one is longer than `max_length` and `truncation` is off.
        HfEfficientError: the cache can't be written.
    """
    if not len(texts):
        raise DataError(f"{split}: expected rows, found none")
    batches = _batches(texts, tokenizer, max_length, truncation, split)
    if cache is None:
        return _in_memory(batches)
    key = cache_key(texts, tokenizer, max_length=max_length, truncation=truncation)
    return _kept(cache, key, len(texts), batches)


def memory_mapped(rows: Dataset, cache: Path) -> Dataset:
    """Rows that were made of encoded ones, memory-mapped from the folder `cache`; one process writes them.

    Raises:
        HfEfficientError: the cache can't be written.
    """
    import xxhash

    table = rows.data.table.combine_chunks()
    key = xxhash.xxh3_128(str(table.schema).encode())
    for buffer in (buffer for column in table.columns for chunk in column.chunks for buffer in chunk.buffers()):
        key.update(buffer or b"")
    return _kept(cache, key.hexdigest(), len(rows), iter(table.to_batches()))


def _in_memory(batches: Iterator[pa.RecordBatch]) -> Dataset:
    import pyarrow as pa
    from datasets import Dataset

    return Dataset(pa.Table.from_batches(batches), fingerprint="batch")  # to make one takes longer than the rows


def _kept(cache: Path, key: str, num_rows: int, batches: Iterator[pa.RecordBatch]) -> Dataset:
    """The entry of a key, written from the batches if it is not there or damaged.

    Raises:
        HfEfficientError: it can't be written.
    """
    try:
        return _cached(cache / f"{key}.arrow", num_rows, batches)
    except OSError as error:
        raise HfEfficientError(
            f"{cache}: encoded rows can't be kept there: {error.strerror or error}; free some space, or name another "
            "folder in HF_EFFICIENT_HOME"
        ) from error


def _cached(path: Path, num_rows: int, batches: Iterator[pa.RecordBatch]) -> Dataset:
    """The entry at `path`, written from the batches if it is not there or damaged."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        rows = _load(path, num_rows)
        if rows is None:
            _write(path, batches)
            rows = _load(path, num_rows)
    if rows is None:
        raise OSError(f"{path.name} can't be read back")
    return rows


def cache_key(texts: Texts, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: bool) -> str:
    """A hash of all that the encoded rows depend on, in hex."""
    import tokenizers
    import transformers
    import xxhash

    settings = [_FORMAT, transformers.__version__, tokenizers.__version__, max_length, truncation]
    settings += texts.kind(tokenizer)
    key = xxhash.xxh3_128(json.dumps([*settings, texts.second is not None, _state(tokenizer)]).encode())
    for text in texts.strings():
        data = text.encode("utf-8", "surrogatepass")
        key.update(len(data).to_bytes(8, "little"))
        key.update(data)
    return key.hexdigest()


def _state(tokenizer: PreTrainedTokenizerBase) -> list[Any]:
    """What the tokenizer's ids depend on: its model, tokens and sides."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    # Each call leaves its truncation and padding in the backend: they are arguments here, not state.
    model = (
        {k: v for k, v in json.loads(backend.to_str()).items() if k not in ("truncation", "padding")}
        if backend is not None
        else [sorted(tokenizer.get_vocab().items()), {k: str(v) for k, v in tokenizer.init_kwargs.items()}]
    )
    sides = [tokenizer.truncation_side, tokenizer.model_input_names]
    return [type(tokenizer).__name__, model, tokenizer.special_tokens_map, sides]


def _batches(
    texts: Texts, tokenizer: PreTrainedTokenizerBase, max_length: int, truncation: bool, split: str
) -> Iterator[pa.RecordBatch]:
    from rich.progress import track

    starts = range(0, len(texts), _CHUNK)
    for start in track(starts, f"Tokenising {split}", disable=len(texts) <= _LONG_WORK, transient=True):
        chunk = texts[start : start + _CHUNK]
        yield _batch(chunk, tokenizer, max_length, truncation, f"{split} row {{}}", start)


def _batch(
    texts: Texts, tokenizer: PreTrainedTokenizerBase, max_length: int, truncation: bool, row: str, start: int
) -> pa.RecordBatch:
    import pyarrow as pa

    limits: dict[str, Any] = {"truncation": True, "max_length": max_length} if truncation else {}
    columns = texts.tokens(tokenizer, **limits)
    lengths = [len(ids) for ids in columns["input_ids"]]
    if not truncation:
        setting = "data.max_target_length" if texts.target else "data.max_length"
        _refuse_long(lengths, max_length, setting, row, start)
    truncated = _were_cut(texts, tokenizer, lengths, max_length)
    arrays = {name: pa.array(values, _type(name)) for name, values in columns.items()}
    return pa.record_batch({**arrays, "length": pa.array(lengths, pa.int32()), "truncated": pa.array(truncated)})


def _type(column: str) -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.int8() if column.endswith(("_mask", "type_ids")) else pa.int32())


def _refuse_long(lengths: list[int], max_length: int, setting: str, row: str, start: int) -> None:
    for number, length in enumerate(lengths, start=start + 1):
        if length > max_length:
            raise DataError(
                f"{row.format(number)}: expected at most {max_length} tokens, found {length}; shorten the text, raise "
                f"{setting} or set data.truncation to true"
            )


def _were_cut(texts: Texts, tokenizer: PreTrainedTokenizerBase, lengths: list[int], max_length: int) -> list[bool]:
    """Whether each row lost tokens; only rows that fill `max_length` can have, so only they are tokenised again."""
    full = [index for index, length in enumerate(lengths) if length == max_length]
    if not full:
        return [False] * len(lengths)
    second = None if texts.second is None else [texts.second[index] for index in full]
    whole = replace(texts, first=[texts.first[index] for index in full], second=second).tokens(tokenizer)["input_ids"]
    cut = {index for index, ids in zip(full, whole, strict=True) if len(ids) > max_length}
    return [index in cut for index in range(len(lengths))]


def _write(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    """Write an Arrow stream so that `path` holds all of it or does not exist."""
    import pyarrow as pa

    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            first = next(batches)
            with pa.ipc.new_stream(file, first.schema) as stream:
                stream.write_batch(first)
                for batch in batches:
                    stream.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _load(path: Path, num_rows: int) -> Dataset | None:
    """The entry, or None if there is none or it is damaged."""
    import pyarrow as pa
    from datasets import Dataset

    if not path.is_file():
        return None
    try:
        rows = Dataset.from_file(str(path))
    except (pa.ArrowInvalid, OSError):
        return None
    return rows if len(rows) == num_rows else None
