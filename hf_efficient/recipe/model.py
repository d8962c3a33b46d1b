"""The `model:` section."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hf_efficient.recipe.section import Section


class ModelSection(Section):
    """Which weights and which tokenizer."""

    name: str = Field(min_length=1)
    """Hub name, local directory, or a pinned asset such as `demo/minilm-l6`."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""
    tokenizer: str | None = None
    """Tokenizer to use instead of the model's own: Hub name, local directory or asset."""
    initialization: Literal["pretrained", "random"] = "pretrained"
    """`random` keeps the architecture and draws new weights from `training.seed`."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Fields of the model's configuration to change, under transformers' names: `hidden_dropout_prob: 0.2`."""
    pad_token: str | None = None
    """Token to pad with, for tokenizers that have none, e.g. `<|endoftext|>`."""
    trust_remote_code: bool = False
    """Run the Python code that a Hub repository ships; read it first."""
