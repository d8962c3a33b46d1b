"""Features of rows: what the pretrained model makes of each, computed once and kept on disk by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import set_seed

from hf_efficient.assets.cache import cache_root
from hf_efficient.models import encoding_limits, load_model, load_processing_class
from hf_efficient.models.cached_rows import ROWS_OF_PASS, CachedRows, computation_key, fed, row_keys
from hf_efficient.training.precision import this_device

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.data.row_cache import Value
    from hf_efficient.experiments.active.acquisition import Array
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.recipe import Recipe


@dataclass(frozen=True)
class Features:
    """Features of a pool, and of the rows that are scored; each is computed when it is first asked for."""

    recipe: Recipe
    pool: Pool

    @cached_property
    def of_pool(self) -> Array:
        """Shape (rows, width)."""
        return self._of(self.pool.rows, "pool")

    @cached_property
    def of_validation(self) -> Array:
        """Shape (rows, width)."""
        assert self.pool.validation is not None
        return self._of(self.pool.validation, "validation")

    def _load(self) -> tuple[Any, Any]:
        """The pretrained model, and what makes its inputs."""
        recipe = self.recipe
        processing_class = load_processing_class(
            recipe.model, self.pool.task.auto_model, recipe.place, image_size=recipe.data.image_size
        )
        set_seed(recipe.training.seed)
        model: Any = load_model(recipe.model, self.pool.task, processing_class, recipe.place).model
        return model.eval().to(this_device(use_cpu=bool(recipe.training.use_cpu)).kind), processing_class

    def _of(self, table: Dataset, split: str) -> Array:
        model, processing_class = self._load()
        task = self.pool.task
        limits = encoding_limits(task, model.config, processing_class, self.recipe.data, self.recipe.place)
        rows = task.encode(table, processing_class, split=split, **limits).dataset
        return frozen_features(model, rows, task.collator(processing_class))


def frozen_features(model: Any, rows: Dataset, collator: Any) -> Array:
    """What a model's body makes of encoded rows, (rows, width), kept on disk; longest rows are computed first.

    Raises:
        HfEfficientError: it can't be kept.
    """

    def compute(batch: Mapping[str, Tensor]) -> list[Value]:
        with torch.inference_mode():
            return [row[None] for row in pooled({name: part.to(model.device) for name, part in batch.items()}, model)]

    def inputs(few: Sequence[Any]) -> dict[str, Tensor]:
        return {name: part for name, part in fed(collator(few)).items() if name != "labels"}

    cached = CachedRows(rows, inputs, row_keys)
    folder = cache_root() / "features" / computation_key(model.config, model.base_model.named_parameters(), "mean")
    cached.open(folder, compute, what="features of the rows", remedy="set active.fast: false", shown=_shown)
    keys = [key for few in _passes(rows) for key in row_keys(inputs(few))]
    values = cached.get(keys)
    assert values is not None
    return np.concatenate(values)


def _passes(rows: Dataset) -> Iterable[list[Any]]:
    for start in range(0, len(rows), ROWS_OF_PASS):
        yield [rows[number] for number in range(start, min(start + ROWS_OF_PASS, len(rows)))]


def _shown(groups: Sequence[Any]) -> Iterable[Any]:
    bar: Iterable[Any] = tqdm(groups, "features", unit="group", leave=False, disable=None)
    return bar


def pooled(batch: Mapping[str, Tensor], model: Any) -> Array:
    """The mean of a row's last hidden states, (samples, width), or what the body gives where it is pooled already."""
    output = model.base_model(**batch)
    states = output if isinstance(output, Tensor) else output[0]
    if states.dim() == 4:  # (samples, channels, height, width)
        states = states.mean(dim=(2, 3))
    if states.dim() == 3:
        mask = batch.get("attention_mask")
        weights = torch.ones(states.shape[:2], device=states.device) if mask is None else mask.to(states.dtype)
        states = (states * weights[..., None]).sum(1) / weights.sum(1, keepdim=True).clamp(min=1)
    return np.asarray(states.float().cpu().numpy())
