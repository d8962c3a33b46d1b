"""What weights allow that are pinned, drawn at random, cut into shards or quantised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.checks.need import Check, Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe

NEEDS: Final = (
    Need("model.revision", lambda r: not r.model.name.startswith("demo/"), "the assets under demo/ are pinned"),
    Need(
        "model.distributed_config",
        lambda r: r.model.initialization == "pretrained",
        "a model is cut while its weights are read; set model.initialization: pretrained",
    ),
    Need("model.distributed_config", lambda r: r.peft is None, "peft needs the whole model on each process"),
    *(
        Need("model.quantization", holds, remedy)
        for holds, remedy in (
            (lambda r: r.peft is not None, "quantised weights can't be trained: train an adapter, peft"),
            (lambda r: r.model.initialization == "pretrained", "random weights have nothing to lose: take it out"),
            (lambda r: r.distill is None or r.distill.student is None, "the student is cut from whole weights"),
            (lambda r: not r.training.torch_compile, "quantised weights can't be compiled: take torch_compile out"),
        )
    ),
)


def _sharding(recipe: Recipe) -> Iterator[Complaint]:
    """Transformers 5.23 saves the weights of a model that was sharded while it was loaded, not its optimizer."""
    training, shards = recipe.training, recipe.model.distributed_config
    if shards.num_processes == 1:
        return
    if training.save_strategy != "no" and not training.save_only_model:
        yield "model.distributed_config", "can't resume, its optimizer is not saved: set training.save_strategy: no."
    if shards.dp_replicate_size > 1 and shards.fsdp_size == 1:
        yield "model.distributed_config.dp_replicate_size", "can't take effect: set model.distributed_config.fsdp_size."
    if training.load_best_model_at_end:
        yield "training.load_best_model_at_end", "can't load into a model that model.distributed_config has cut."


CHECKS: Final[tuple[Check, ...]] = (_sharding,)
