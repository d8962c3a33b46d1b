"""From a recipe with `active:` to labels, a model trained on them, and a report."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_efficient.data.functions import load_function
from hf_efficient.errors import RecipeError, RunDirectoryError, did_you_mean
from hf_efficient.experiments.active.features import Features
from hf_efficient.experiments.active.labellers.file import FileLabeller, import_labels
from hf_efficient.experiments.active.labellers.formats import SUFFIXES
from hf_efficient.experiments.active.labellers.functions import by_function, name_of, simulated
from hf_efficient.experiments.active.labellers.web import WebLabeller
from hf_efficient.experiments.active.learners import FineTuned, LinearHead
from hf_efficient.experiments.active.loop import Labeller, Loop
from hf_efficient.experiments.active.plain import plain_recipe, refuse_without_scores
from hf_efficient.experiments.active.pool import Pool, load_pool, write_rows
from hf_efficient.experiments.active.section import section_of
from hf_efficient.experiments.active.state import ActiveDirectory
from hf_efficient.experiments.json_lines import Record
from hf_efficient.recipe import Recipe
from hf_efficient.report.active_figure import can_draw, draw_curves
from hf_efficient.report.active_rounds import rounds_markdown
from hf_efficient.report.write import write_whole
from hf_efficient.training.finetune import Outcome, finetune
from hf_efficient.training.run_directory import ACTIVE, RunDirectory, held

if TYPE_CHECKING:
    from hf_efficient.recipe.active import Active


@dataclass(frozen=True)
class ActiveOutcome:
    """What a loop came to."""

    rounds: tuple[Record, ...]
    """Of each round its metrics, and the rows that it chose."""
    labels: Mapping[int, str]
    """Class of each labelled row, by its number in the pool."""
    directory: ActiveDirectory
    pending: tuple[int, ...]
    """Rows that wait for a label."""
    to_label: Path | None
    """The file in which they wait to be filled in; None where none do."""
    outcome: Outcome | None
    """The run on all labels at the end; None while labels are waited for."""


def active_learning(
    recipe: str | os.PathLike[str] | Mapping[str, Any] | Recipe,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    labeller: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
    labels: str | os.PathLike[str] | None = None,
    shown: Callable[[str], None] = lambda line: None,
) -> ActiveOutcome:
    """What comes of choosing rows to label as a recipe's `active:` says; called again, it goes on where it ended.

    Args:
        recipe: path or name of a recipe, its content as a mapping, or a `Recipe`.
        overrides: `{"active.budget": 200}` or `["active.budget=200"]`.
        labeller: `labeller(texts)` gives a label for each, instead of what the recipe names.
        labels: a file of labels to take first: csv, jsonl, or Label Studio's export.
        shown: told what each round was, a line at a time.

    Raises:
        HfEfficientError: anything that the user can mend; see `hf_efficient.errors`.
    """
    words = Recipe.of(recipe, overrides)
    if labeller is not None and words.active is not None:
        words = words.replace({"active.labeller": name_of(labeller)})
    given = None if labeller is None else by_function(labeller)
    return run_active(words, given, None if labels is None else Path(labels), shown=shown)


def run_active(
    recipe: Recipe,
    labeller: Labeller | None = None,
    labels: Path | None = None,
    *,
    wait: bool = False,
    port: int = 0,
    shown: Callable[[str], None] = lambda line: None,
) -> ActiveOutcome:
    """What a recipe's loop comes to, and the run at its end; see `active_learning`."""
    active = section_of(recipe)
    directory = ActiveDirectory(RunDirectory.of(recipe).path / ACTIVE)
    with ExitStack() as stack:
        stack.enter_context(held(RunDirectory(directory.path)))
        if labeller is None and active.labeller == "web":
            labeller = stack.enter_context(WebLabeller(port, shown))
        labeller = labeller or labeller_of(active, recipe.place, directory, wait=wait, shown=shown)
        pool = load_pool(recipe)
        loop = make_loop(recipe, pool, directory, labeller, shown)
        for note in _notes(pool):
            shown(note)
        loop.open()
        if labels is not None:
            _import(labels, loop)
        try:
            stopped = loop.run()
        finally:
            write_report(loop)
        outcome = _finish(loop) if stopped else None
        history, labelled = tuple(loop.history()), dict(loop.log.labels)
        return ActiveOutcome(history, labelled, directory, loop.pending, _to_label(loop), outcome)


def _to_label(loop: Loop) -> Path | None:
    if not loop.pending or loop.active.labeller != "file":
        return None
    return loop.directory.to_label(loop.history()[-1]["round"], SUFFIXES[loop.active.file])


def _import(labels: Path, loop: Loop) -> None:
    """Take the labels of a file first.

    Raises:
        RunDirectoryError: the loop has ended.
        DataError: the file is broken, or has labels or rows that are unknown.
    """
    if loop.stopped:
        raise RunDirectoryError(
            f"{loop.directory.path}: this loop has ended, and takes no more labels; choose another training.output_dir."
        )
    new, had = import_labels(labels, loop.pool, loop.log)
    loop.shown(f"{labels}: {new} labels taken; {had} rows had one already, which they keep")


def _notes(pool: Pool) -> Iterator[str]:
    """What the user should know of a pool."""
    if pool.validation is None:
        yield "no labelled rows are named in data.validation: models learn from all labels, and nobody measures them"
    if (number := pool.overlap()) > 0:
        yield f"{number} rows of the pool are also scored, which flatters the metric; take them out of one"
    if pool.doubles:
        yield f"{len(pool.doubles)} rows of the pool have the text of another one, and are not asked for"


def make_loop(
    recipe: Recipe,
    pool: Pool,
    directory: ActiveDirectory,
    labeller: Labeller,
    shown: Callable[[str], None] = lambda line: None,
    features: Features | None = None,
) -> Loop:
    """The loop of a recipe; `features` may be shared by several over one pool.

    Raises:
        RecipeError: the metric is none of the task's.
        PlanError: a setting relies on rows to score, and there are none.
    """
    active = section_of(recipe)
    known = pool.task.metric_names
    if active.metric is not None and active.metric not in known:
        raise RecipeError(
            f"{recipe.place('active.metric')} is {active.metric}, which is no metric of this task "
            f"({', '.join(known)}).{did_you_mean(active.metric, known)}"
        )
    if pool.validation is None:
        refuse_without_scores(recipe)
    features = features or Features(recipe, pool)
    learner = LinearHead(recipe, pool, features) if active.fast else FineTuned(recipe, pool, directory)
    return Loop(recipe, pool, directory, learner, features, labeller, shown)


def labeller_of(
    active: Active,
    place: Callable[[str], str],
    directory: ActiveDirectory,
    *,
    wait: bool = False,
    shown: Callable[[str], None] = lambda line: None,
) -> Labeller:
    """The labeller that the recipe names, but for the page; one that waits for a file to be filled in if `wait`.

    Raises:
        PlanError: a function that does not exist.
    """
    if active.is_simulated:
        return simulated
    if active.labeller == "file":
        return FileLabeller(directory, active.file, wait, shown)
    return by_function(load_function(active.labeller, place("active.labeller")))


def write_report(loop: Loop) -> None:
    """Write what the rounds so far were worth: for people, for programs, and as a figure where there is matplotlib."""
    history, directory = loop.history(), loop.directory
    if not history:
        return
    curve = [(record["labels"], record["metric"]) for record in history if record["metric"] is not None]
    facts = {"metric": loop.metric, "curve": curve, "labels": len(loop.log.labels), "stopped": history[-1]["stopped"]}
    write_whole(directory.report, json.dumps({**facts, "rounds": history}, indent=2, ensure_ascii=False) + "\n")
    text = rounds_markdown(history, loop.log.labels, loop.metric, lambda rows: loop.pool.lines(rows))
    write_whole(directory.report.with_suffix(".md"), text)
    if curve and can_draw():
        strategy = section_of(loop.recipe).strategy
        draw_curves([{"strategy": strategy, **facts}], directory.report.with_name("labels.png"))


def _finish(loop: Loop) -> Outcome | None:
    """The run on all labels, of the recipe as it stands; None where they are of fewer than two classes."""
    if len(set(loop.log.labels.values())) < 2:
        loop.shown("the labels are of fewer than two classes: no model is trained")
        return None
    rows = loop.directory.labelled
    if not rows.exists():
        write_rows(loop.pool.labelled(loop.log.labels), rows)
    outcome = finetune(plain_recipe(loop.recipe, loop.directory, {"data.train": str(rows)}, loop.pool))
    shutil.rmtree(loop.directory.run(0).parent, ignore_errors=True)  # the models of the last rounds
    return outcome
