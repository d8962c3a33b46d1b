"""The `batching:` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.section import Section


class Batching(Section):
    """How rows are grouped into batches, so that little is computed on padding."""

    padding: Literal["auto", "dynamic", "bucketed", "tokens"] = "auto"
    """`bucketed` puts rows of similar length together, `tokens` as many of them as fit `max_tokens`, `dynamic` takes
    rows as they come and pads each batch to its longest; `auto` is `bucketed` where rows have lengths."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens of a micro-batch at most, padding counted, with `padding: tokens`."""

    @model_validator(mode="after")
    def _tokens_need_a_budget(self) -> Self:
        if (self.padding == "tokens") != (self.max_tokens is not None):
            raise ValueError("give max_tokens with padding: tokens, and only then")
        return self
