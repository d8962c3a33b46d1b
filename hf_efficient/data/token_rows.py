"""From a language model's documents to rows of tokens that know which of them are to be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hf_efficient.data.columns import read_texts
from hf_efficient.data.documents import Documents, open_question, read_conversations, require_chat_template, turns
from hf_efficient.data.encode import Texts, tokenise
from hf_efficient.data.packing import TokenRows

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

_UNCUT: Final = 1 << 31
"""More tokens than any text has."""


def token_rows(
    documents: Documents, table: Dataset, tokenizer: PreTrainedTokenizerBase, *, split: str, cache: Path | None
) -> TokenRows:
    """A row for each document, uncut: a text or completion ends with the tokenizer's end-of-sequence token.

    Raises:
        DataError: documents that can't be used.
        PlanError: conversations, and the tokenizer has no chat template.
    """

    def tokens(texts: Sequence[str], *, special_tokens: bool) -> TokenRows:
        return _tokens(Texts(texts, special_tokens=special_tokens), tokenizer, split, cache)

    if documents.messages is not None:
        require_chat_template(tokenizer)
        conversations = enumerate(read_conversations(table, documents.messages, split), start=1)
        rows = [list(turns(messages, tokenizer, f"{split} row {number}")) for number, messages in conversations]
        pieces = [piece for row in rows for piece in row]
        told = tokens([text for text, _ in pieces], special_tokens=False)
        learnt = np.repeat([learnt for _, learnt in pieces], told.lengths)
        return join(TokenRows(told.ids, learnt, told.lengths), [len(row) for row in rows])
    if documents.prompt is not None and documents.completion is not None:
        prompts = tokens(read_texts(table, documents.prompt, split), special_tokens=True)
        completions = tokens(read_texts(table, documents.completion, split), special_tokens=False)
        asked = TokenRows(prompts.ids, np.zeros_like(prompts.learnt), prompts.lengths)
        return interleave(asked, with_end(completions, tokenizer.eos_token_id))
    texts = tokens(read_texts(table, str(documents.text), split), special_tokens=True)
    return with_end(texts, tokenizer.eos_token_id)


def prompt_rows(
    documents: Documents, table: Dataset, tokenizer: PreTrainedTokenizerBase, *, split: str, cache: Path | None
) -> TokenRows:
    """A row for each document that the model is to go on with, uncut; completions are not looked at.

    Raises:
        DataError: documents that can't be used.
        PlanError: conversations, and the tokenizer has no chat template.
    """
    if documents.messages is None:
        texts = read_texts(table, str(documents.text or documents.prompt), split)
        return _tokens(Texts(texts), tokenizer, split, cache)
    require_chat_template(tokenizer)
    conversations = read_conversations(table, documents.messages, split, answered=False)
    texts = [open_question(messages, tokenizer) for messages in conversations]
    return _tokens(Texts(texts, special_tokens=False), tokenizer, split, cache)


def _tokens(texts: Texts, tokenizer: PreTrainedTokenizerBase, split: str, cache: Path | None) -> TokenRows:
    rows = tokenise(texts, tokenizer, max_length=_UNCUT, truncation=False, split=split, cache=cache)
    arrow = rows.with_format("arrow")[:]
    ids = arrow["input_ids"].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.int32)
    lengths = arrow["length"].to_numpy().astype(np.int64)
    return TokenRows(ids, np.ones(len(ids), dtype=np.bool_), lengths)


def join(rows: TokenRows, counts: Sequence[int]) -> TokenRows:
    """Neighbouring rows made one: the first `counts[0]` of them, the next `counts[1]` …"""
    groups = np.repeat(np.arange(len(counts)), counts)
    lengths = np.bincount(groups, weights=rows.lengths, minlength=len(counts)).astype(np.int64)
    return TokenRows(rows.ids, rows.learnt, lengths)


def interleave(first: TokenRows, second: TokenRows) -> TokenRows:
    """Each row of `first` with the row of `second` behind it."""
    both = TokenRows(
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.learnt, second.learnt]),
        np.concatenate([first.lengths, second.lengths]),
    )
    order = np.arange(len(both.lengths)).reshape(2, -1).T.reshape(-1)
    return join(both.take(both.starts[order], both.lengths[order]), [2] * len(first.lengths))


def with_end(rows: TokenRows, end: int | None) -> TokenRows:
    """The rows, each with the token `end` behind it, unless it is there already or there is no such token."""
    if end is None:
        return rows
    missing: NDArray[np.bool_] = rows.lengths == 0
    filled = ~missing
    missing[filled] = rows.ids[(rows.starts + rows.lengths - 1)[filled]] != end
    ends = TokenRows(
        np.full(missing.sum(), end, dtype=np.int32), np.ones(missing.sum(), dtype=np.bool_), missing.astype(np.int64)
    )
    return interleave(rows, ends)
