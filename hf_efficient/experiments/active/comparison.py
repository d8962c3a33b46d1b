"""Strategies compared: simulations of one recipe with several seeds, and one model on all labels of the pool."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from hf_efficient.errors import RecipeError, RunDirectoryError, did_you_mean
from hf_efficient.experiments.active.features import Features
from hf_efficient.experiments.active.labellers.functions import simulated
from hf_efficient.experiments.active.pool import load_pool
from hf_efficient.experiments.active.run import make_loop, write_report
from hf_efficient.experiments.active.section import section_of
from hf_efficient.experiments.active.state import ActiveDirectory
from hf_efficient.experiments.json_lines import Record, append_lines, read_rows
from hf_efficient.recipe.active import Strategy
from hf_efficient.report.active import CONTROL, FULL, curve_of
from hf_efficient.report.active_rounds import SEED_SET
from hf_efficient.training.run_directory import ACTIVE, RunDirectory, held

if TYPE_CHECKING:
    from hf_efficient.experiments.active.loop import Loop
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.active import Active

_ONLY_FOR: Final = {
    "active.members": ("bald",),
    "active.neighbours": ("contrastive",),
    "active.balanced": tuple(name for name in get_args(Strategy) if name not in ("core_set", "badge", CONTROL)),
}
"""Settings that some strategies alone have."""


@dataclass(frozen=True)
class Comparison:
    """Strategies and seeds: each pair of them is one simulated loop."""

    recipe: Recipe
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def folder(self) -> Path:
        """Where the loops and `results.jsonl` lie."""
        return RunDirectory.of(self.recipe).path / ACTIVE / "comparison"

    @property
    def results(self) -> Path:
        """One JSON object for each loop: its metric after each round."""
        return self.folder / "results.jsonl"

    def cells(self) -> Iterator[tuple[str, int]]:
        """All pairs; first of each seed the model on all labels."""
        for seed in self.seeds:
            for strategy in (FULL, *self.strategies):
                yield strategy, seed

    def cell_recipe(self, strategy: str, seed: int) -> Recipe:
        """The recipe of one loop.

        Raises:
            RecipeError: one line for each thing that is wrong in it.
        """
        chosen = {} if strategy == FULL else {"active.strategy": strategy}
        without = [path for path, only in _ONLY_FOR.items() if strategy != FULL and strategy not in only]
        place = str(self.folder / strategy / f"seed-{seed}")
        return self.recipe.replace({**chosen, "training.seed": seed, "training.output_dir": place}, without=without)


def make_comparison(recipe: Recipe, strategies: Sequence[str], seeds: Sequence[int]) -> Comparison:
    """The comparison of some strategies over some seeds.

    Raises:
        RecipeError: a strategy that there is not, one twice, or labels that nobody has yet.
    """
    known = get_args(Strategy)
    for name in strategies:
        if name not in known:
            raise RecipeError(f"--strategies: {name} is none of {', '.join(known)}.{did_you_mean(name, known)}")
    for option, values in (("--strategies", strategies), ("--seeds", seeds)):
        if len(set(values)) < len(values):
            raise RecipeError(f"{option}: expected each once, found {', '.join(map(str, values))}.")
    if not section_of(recipe).is_simulated:
        raise RecipeError(
            f"{recipe.place('active.labeller')}: strategies can only be compared where all labels are known; write "
            "active.labeller=simulated."
        )
    comparison = Comparison(recipe, tuple(strategies), tuple(seeds))
    for strategy, seed in comparison.cells():
        comparison.cell_recipe(strategy, seed)
    return comparison


def run_comparison(comparison: Comparison, shown: Callable[[str], None] = lambda line: None) -> list[Record]:
    """One row for each strategy and seed; loops that have theirs already are not run again.

    Raises:
        RunDirectoryError: a row there has other settings, or another process is comparing.
    """
    with held(RunDirectory(comparison.folder)):
        rows = read_rows(comparison.results, "strategy", "seed")
        pool = load_pool(comparison.recipe)
        _refuse_other_settings(rows, comparison, pool)
        features = Features(comparison.recipe, pool)
        _compute_shared(features, section_of(comparison.recipe))
        for strategy, seed in comparison.cells():
            if (strategy, seed) in rows:
                continue
            rows[strategy, seed] = _row(comparison, strategy, seed, pool, features)
            append_lines(comparison.results, [rows[strategy, seed]])
            shown(_line(rows[strategy, seed]))
    return [rows[cell] for cell in comparison.cells()]


def _compute_shared(features: Features, active: Active) -> None:
    """Compute what all loops share beforehand, so that the first one is not charged for it."""
    used = {"of_pool": active.fast or active.seed_set == "clusters", "of_validation": active.fast}
    for name in (name for name, is_used in used.items() if is_used):
        getattr(features, name)


def _line(row: Record) -> str:
    """What a loop came to."""
    name, curve = f"{row['strategy']}, seed {row['seed']}", curve_of(row)
    if not curve:
        return f"{name}: no model was scored; {row['stopped']}"
    return f"{name}: {row['metric']} {curve[-1][1]:.4f} after {curve[-1][0]} labels"


def _refuse_other_settings(rows: Mapping[tuple[Any, ...], Record], comparison: Comparison, pool: Pool) -> None:
    for strategy, seed in comparison.cells():
        row = rows.get((strategy, seed))
        if row is not None and row["recipe_digest"] != comparison.cell_recipe(strategy, seed).digest():
            raise RunDirectoryError(
                f"{comparison.results}: the row of {strategy}, seed {seed} has other settings than the recipe now; "
                "choose another training.output_dir."
            )
        if row is not None and row.get("pool_digest") != _digest(pool):
            raise RunDirectoryError(
                f"{comparison.results}: the row of {strategy}, seed {seed} is of other rows or labels than those now; "
                "choose another training.output_dir."
            )


def _digest(pool: Pool) -> str:
    return f"{pool.digest} {pool.digest_of_labels}"


def _row(comparison: Comparison, strategy: str, seed: int, pool: Pool, features: Features) -> Record:
    recipe = comparison.cell_recipe(strategy, seed)
    directory = ActiveDirectory(RunDirectory.of(recipe).path)
    directory.path.mkdir(parents=True, exist_ok=True)
    loop = make_loop(recipe, pool, directory, simulated, features=features)
    return {
        "strategy": strategy,
        "seed": seed,
        "metric": loop.metric,
        "greater_is_better": pool.task.greater_is_better(loop.metric),
        **(_on_all_labels(loop) if strategy == FULL else _round_by_round(loop)),
        "pool": len(pool),
        "data": recipe.data.name or recipe.data.train,
        "model": recipe.model.name,
        "fast": section_of(recipe).fast,
        "recipe_digest": recipe.digest(),
        "pool_digest": _digest(pool),
    }


def _on_all_labels(loop: Loop) -> Record:
    """The one model that knows every label of the pool."""
    loop.open()
    start = time.process_time()
    fitted = loop.learner.fit(loop.pool.known, 0)
    curve = [(len(loop.pool), fitted.metrics.get(loop.metric))]
    return {"curve": curve, "stopped": None, "cpu_seconds": time.process_time() - start}


def _round_by_round(loop: Loop) -> Record:
    """The loop, run to its end."""
    loop.run()
    write_report(loop)
    history = loop.history()
    curve = [(record["labels"], record["metric"]) for record in history if record["by"] != SEED_SET]
    cpu_seconds = sum(record["cpu_seconds"] for record in history)
    return {"curve": curve, "stopped": history[-1]["stopped"], "cpu_seconds": cpu_seconds}
