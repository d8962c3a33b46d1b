"""Hidden states of frozen layers that are looked up instead of computed again in every epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm
from transformers import TrainerCallback

from hf_efficient.assets.cache import cache_root
from hf_efficient.data.drawn import is_drawn_anew
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.measure import filling
from hf_efficient.models.autocast import autocast_dtype
from hf_efficient.models.cached_prefix import CachedPrefix
from hf_efficient.models.distributed import effective_batch_size, is_sharded
from hf_efficient.models.prefix import Prefix, frozen_depth

if TYPE_CHECKING:
    from hf_efficient.models.thawing import Thawing
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.freeze import Freeze

logger = logging.getLogger(__name__)


def with_cache(plan: Plan, section: Freeze, thawing: Thawing) -> Plan:
    """The plan with what leaves its frozen lower layers kept on disk, if the recipe wants that and it can be.

    It comes after all other techniques, which may have put adapters or listeners into the model; what thaws later is
    still frozen.

    Raises:
        PlanError: the recipe wants it where it can't be.
    """
    if section.cache is False or (section.cache is None and not _pays(plan, section, thawing)):
        return plan
    reason = _why_not(plan)
    if reason is not None:
        return _without(plan, section, reason)
    depths = _depths(plan, section, thawing)
    try:
        caches = {layers: _cached(plan, layers) for layers in depths if layers > 0}
        num_bytes, reason = _tried(plan, caches[depths[0]], len(caches), section.cache_max_gb * 1e9)
    except Exception as error:  # a model's own code may raise anything, and the run does without
        first_line = str(error).partition("\n")[0]
        reason = f"a trial of it ended with {type(error).__name__}: {first_line}"
    if reason is not None:
        return _without(plan, section, reason)
    stages = [caches.get(layers) for layers in depths]
    note = _note(caches[depths[0]].num_rows, num_bytes, list(caches))
    return plan.with_callback(OpenCache(stages, thawing.taken, required=section.cache is True)).with_note(note)


def _depths(plan: Plan, section: Freeze, thawing: Thawing) -> list[int]:
    """How many layers are looked up at first, and after each turn of what thaws.

    All that are frozen, where the rows are seen again before the next turn; else those that never thaw.
    """
    turns = range(len(thawing.turns) + 1)
    frozen = [frozen_depth(plan.model, "freeze.cache", thawed=thawing.names(number)) for number in turns]
    seen_again = _seen_again(plan, thawing.every_steps or 0, thawing.every_epochs or 0)
    if not thawing.turns or seen_again or (section.cache and frozen[-1] == 0):
        return frozen
    return [frozen[-1] for _ in turns]


def _cached(plan: Plan, layers: int) -> CachedPrefix:
    prefix = Prefix(plan.model, layers, "freeze.cache")
    return CachedPrefix(prefix, cache_root() / "prefixes", _tables(plan), plan.data_collator)


def _note(num_rows: int, num_bytes: int, depths: list[int]) -> str:
    when = "once, before the first step"
    if len(depths) > 1:
        when = f"before the first step, and anew where fewer are left ({', '.join(str(layers) for layers in depths)})"
    place = f"take about {num_bytes / 1e6:,.1f} MB in {cache_root() / 'prefixes'}"
    return f"what leaves the {depths[0]} frozen layers is computed {when}: {num_rows:,} rows {place}"


def _without(plan: Plan, section: Freeze, reason: str) -> Plan:
    if section.cache:
        raise PlanError(f"freeze.cache can't take effect: {reason}; take it out.")
    return plan.with_note(f"what leaves the frozen layers is computed in every epoch: {reason}")


def _pays(plan: Plan, section: Freeze, thawing: Thawing) -> bool:
    """Whether whole layers are frozen, and the rows are seen more than once."""
    args = plan.args
    if args is None or plan.train_dataset is None or not _seen_again(plan, args.max_steps, args.num_train_epochs):
        return False
    return _depths(plan, section, thawing)[0] > 0


def _seen_again(plan: Plan, steps: int, epochs: float) -> bool:
    """Whether training rows are seen more than once in so many steps, or if there are none, epochs."""
    args, rows = plan.args, plan.train_dataset
    if not hasattr(rows, "__len__"):
        return steps > 0 or epochs > 1
    seen = epochs * plan.num_train_rows if steps <= 0 else steps * effective_batch_size(args, plan.model)
    return seen > len(rows)


def _why_not(plan: Plan) -> str | None:
    """Why nothing can be kept, in words, as far as the plan tells."""
    if plan.args is None or plan.data_collator is None or plan.train_dataset is None:
        return "it needs a recipe's rows"
    if is_drawn_anew(plan.train_dataset):
        return "each epoch draws its images anew; augment.views: fixed draws them once"
    if not hasattr(plan.train_dataset, "column_names"):
        return "the training rows are no data set that is there as a whole"
    if frozen_depth(plan.model, "freeze.cache") == 0:
        return "the embeddings and the lowest layer are not frozen as a whole"
    if plan.args.torch_compile:
        return "training.torch_compile compiles the whole model"
    if is_sharded(plan.model):
        return "the model is sharded over the processes"
    return None


def _tables(plan: Plan) -> list[Any]:
    """The training rows, and those that are scored again and again."""
    scored = plan.args.eval_strategy != "no" and hasattr(plan.eval_dataset, "column_names")
    return [plan.train_dataset, *([plan.eval_dataset] if scored else [])]


def _tried(plan: Plan, cached: CachedPrefix, copies: int, max_bytes: float) -> tuple[int, str | None]:
    """How large the hidden states of all rows are, of each of `copies` depths, and why they can't be kept."""
    prefix, model = cached.prefix, plan.model
    short, both = cached.trial(model.device)
    if (reason := prefix.refusal(model, short, both)) is not None:
        return 0, reason
    dtype = autocast_dtype(plan.args)
    with prefix.installed(), torch.no_grad(), torch.autocast(model.device.type, dtype, enabled=dtype is not None):
        num_bytes = copies * cached.num_bytes(prefix.states(model, short))
    if num_bytes <= max_bytes:
        return num_bytes, None
    taken = f"{cached.num_rows:,} rows take {num_bytes / 1e6:,.1f} MB"
    return num_bytes, f"{taken}, and freeze.cache_max_gb allows {max_bytes / 1e9:g} GB"


class OpenCache(TrainerCallback):
    """Computes what leaves the frozen layers, of each stage before its steps; one process does, the others wait."""

    def __init__(
        self, stages: Sequence[CachedPrefix | None], stage_of: Callable[[Any], int], *, required: bool
    ) -> None:
        self.stages = stages
        self.stage_of = stage_of
        self.required = required
        self.cached: CachedPrefix | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        self._open(self.stages[self.stage_of(state)], kwargs["model"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before each step: layers may have thawed."""
        wanted = self.stages[self.stage_of(state)]
        if wanted is not self.cached:
            self._open(wanted, kwargs["model"])

    def _open(self, wanted: CachedPrefix | None, model: Any) -> None:
        if self.cached is not None:
            self.cached.close()
        self.cached = wanted
        if wanted is None:
            return
        try:
            with filling():
                wanted.open(model, lambda groups: tqdm(groups, "frozen layers", unit="group", leave=False))
        except HfEfficientError as error:
            if self.required:
                raise
            logger.warning("%s The run goes on without them.", error)
            self._give_up()

    def _give_up(self) -> None:
        if self.cached is not None:
            self.cached.close()
        self.cached, self.stages = None, [None] * len(self.stages)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after each step: rows that are never found would cost the cache's time for nothing."""
        if self.cached is None or self.cached.num_found:
            return
        reason = "the rows of a batch are not those of the data set, or the model is given more than them"
        if self.required:
            raise PlanError(f"freeze.cache can't take effect: {reason}; take it out.")
        logger.warning("What leaves the frozen layers is computed in every epoch: %s.", reason)
        self._give_up()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after the last step."""
        if self.cached is not None:
            self.cached.close()
