from __future__ import annotations

import torch

from hf_efficient.data.side_columns import SideColumns
from tests.unit.data.tokenizer import tiny_tokenizer


def collate(rows):
    return {"input_ids": torch.tensor([row["input_ids"] for row in rows])}


def test_columns_are_padded_by_themselves():
    collator = SideColumns(collate, "other_", tiny_tokenizer())
    rows = [
        {"input_ids": [7], "other_input_ids": [5, 6, 7], "other_attention_mask": [1, 1, 1]},
        {"input_ids": [8], "other_input_ids": None, "other_attention_mask": None},
        {"input_ids": [9], "other_input_ids": [4], "other_attention_mask": [1]},
    ]
    batch = collator(rows)
    assert batch["input_ids"].tolist() == [[7], [8], [9]]
    assert batch["other_input_ids"].tolist() == [[5, 6, 7], [0, 0, 0], [4, 0, 0]]
    assert batch["other_attention_mask"].tolist() == [[1, 1, 1], [0, 0, 0], [1, 0, 0]]


def test_rows_that_are_scored_have_no_such_columns():
    assert list(SideColumns(collate, "other_", tiny_tokenizer())([{"input_ids": [7]}])) == ["input_ids"]
