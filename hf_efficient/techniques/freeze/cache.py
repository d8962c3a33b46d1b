"""Hidden states of frozen layers that are looked up instead of computed again in every epoch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import torch
from accelerate import DistributedType, PartialState
from tqdm import tqdm
from transformers import TrainerCallback

from hf_efficient.assets.cache import cache_root
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.models.cached_prefix import CachedPrefix
from hf_efficient.models.distributed import is_cut
from hf_efficient.models.prefix import Prefix, frozen_depth

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.freeze import Freeze

logger = logging.getLogger(__name__)

_SHARDED: Final = (DistributedType.FSDP, DistributedType.DEEPSPEED)


def with_cache(plan: Plan, section: Freeze) -> Plan:
    """The plan with what leaves its frozen lower layers kept on disk, if the recipe wants that and it can be.

    It comes after all other techniques, which may have put adapters or listeners into the model.

    Raises:
        PlanError: the recipe wants it where it can't be.
    """
    if section.cache is False or (section.cache is None and not _pays(plan)):
        return plan
    reason = _why_not(plan)
    if reason is not None:
        return _without(plan, section, reason)
    layers = frozen_depth(plan.model, "freeze.cache")
    prefix = Prefix(plan.model, layers, "freeze.cache")
    cached = CachedPrefix(prefix, cache_root() / "prefixes", _tables(plan), plan.data_collator)
    num_bytes, reason = _tried(plan, cached, section.cache_max_gb * 1e9)
    if reason is not None:
        return _without(plan, section, reason)
    note = (
        f"what leaves the {layers} frozen layers is computed once, before the first step: {cached.num_rows:,} rows "
        f"take about {num_bytes / 1e6:,.1f} MB in {cache_root() / 'prefixes'}"
    )
    return plan.with_callback(OpenCache(cached, required=section.cache is True)).with_note(note)


def _without(plan: Plan, section: Freeze, reason: str) -> Plan:
    if section.cache:
        raise PlanError(f"freeze.cache can't take effect: {reason}; take it out.")
    return plan.with_note(f"what leaves the frozen layers is computed in every epoch: {reason}")


def _pays(plan: Plan) -> bool:
    """Whether whole layers are frozen, and the rows are seen more than once."""
    args, rows = plan.args, plan.train_dataset
    if args is None or rows is None or frozen_depth(plan.model, "freeze.cache") == 0:
        return False
    if args.max_steps <= 0:
        return bool(args.num_train_epochs > 1)
    rows_of_step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    return not hasattr(rows, "__len__") or bool(args.max_steps * rows_of_step > len(rows))


def _why_not(plan: Plan) -> str | None:
    """Why nothing can be kept, in words, as far as the plan tells."""
    if plan.args is None or plan.data_collator is None or plan.train_dataset is None:
        return "it needs a recipe's rows"
    if not hasattr(plan.train_dataset, "column_names"):
        return "the training rows are no data set that is there as a whole"
    if frozen_depth(plan.model, "freeze.cache") == 0:
        return "the embeddings and the lowest layer are not frozen as a whole"
    if plan.args.torch_compile:
        return "training.torch_compile compiles the whole model"
    if PartialState().distributed_type in _SHARDED or is_cut(plan.model):
        return "the model is sharded over the processes"
    return None


def _tables(plan: Plan) -> list[Any]:
    """The training rows, and those that are scored again and again."""
    scored = plan.args.eval_strategy != "no" and hasattr(plan.eval_dataset, "column_names")
    return [plan.train_dataset, *([plan.eval_dataset] if scored else [])]


def _tried(plan: Plan, cached: CachedPrefix, max_bytes: float) -> tuple[int, str | None]:
    """How large the hidden states of all rows are, and why they can't be kept, if they can't."""
    prefix, model = cached.prefix, plan.model
    short, both = cached.trial(model.device)
    if (reason := prefix.refusal(model, short, both)) is not None:
        return 0, reason
    dtype = torch.bfloat16 if plan.args.bf16 else torch.float16 if plan.args.fp16 else None
    with prefix.installed(), torch.no_grad(), torch.autocast(model.device.type, dtype, enabled=dtype is not None):
        num_bytes = cached.num_bytes(prefix.states(model, short))
    if num_bytes <= max_bytes:
        return num_bytes, None
    taken = f"{cached.num_rows:,} rows take {num_bytes / 1e6:,.1f} MB"
    return num_bytes, f"{taken}, and freeze.cache_max_gb allows {max_bytes / 1e9:g} GB"


class OpenCache(TrainerCallback):
    """Computes what leaves the frozen layers before the first step; one process computes, the others wait."""

    def __init__(self, cached: CachedPrefix, *, required: bool) -> None:
        self.cached = cached
        self.required = required

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        try:
            self.cached.open(kwargs["model"], lambda groups: tqdm(groups, "frozen layers", unit="group", leave=False))
        except HfEfficientError as error:
            if self.required:
                raise
            logger.warning("%s The run goes on without them.", error)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each step: rows that are never found would cost the cache's time for nothing."""
        if self.required and not self.cached.num_found:
            raise PlanError(
                "freeze.cache can't take effect: the rows of a batch are not those of the data set, or the model is "
                "given more than them; take it out."
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after the last step."""
        self.cached.close()
