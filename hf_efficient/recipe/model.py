"""The `model:` section."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hf_efficient.recipe.section import Section


class DistributedConfigSection(Section):
    """How the model is cut over the processes while it is loaded: transformers' `DistributedConfig`."""

    fsdp_size: int = Field(default=1, ge=1)
    """Processes over which weights, gradients and optimizer are sharded (FSDP2)."""
    dp_replicate_size: int = Field(default=1, ge=1)
    """Groups of `fsdp_size` processes, for instance one a machine, that each hold the whole model between them."""
    tp_size: int = Field(default=1, ge=1)
    """Processes over which each matrix is cut (tensor parallelism)."""

    @property
    def num_processes(self) -> int:
        """Processes of a launch with these sizes; 1 where the model is not cut."""
        return self.dp_replicate_size * self.fsdp_size * self.tp_size


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
    quantization: Literal["nf4", "int8"] | None = None
    """Keep the weights of linear layers, but the head's, in 4 bits (`nf4`, as QLoRA does) or 8; only with `peft`."""
    pad_token: str | None = None
    """Token to pad with, for tokenizers that have none, e.g. `<|endoftext|>`."""
    distributed_config: DistributedConfigSection = DistributedConfigSection()
    """Over how many processes the model is cut; by default each process holds it whole."""
    trust_remote_code: bool = False
    """Run the Python code that a Hub repository ships; read it first."""
