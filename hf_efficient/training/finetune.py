"""The whole way: words → recipe → plan → run → outcome and report."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError

from hf_efficient.assets import Asset, describe, is_asset
from hf_efficient.data.files import first_line
from hf_efficient.errors import HubError, PlanError, RunDirectoryError
from hf_efficient.models import read_image_processor, takes_images
from hf_efficient.models.adapters import load_adapted
from hf_efficient.models.processes import on_main_process
from hf_efficient.models.quantization import same_in_evaluation
from hf_efficient.recipe import Hub, Recipe
from hf_efficient.recipe.augment import Augment
from hf_efficient.recipe.section import Section
from hf_efficient.report import read_report, write_reports
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.batch_fit import divide_steps
from hf_efficient.training.build import Live, build
from hf_efficient.training.facts import report_facts
from hf_efficient.training.progress import without_library_bars
from hf_efficient.training.run import run
from hf_efficient.training.run_directory import RunDirectory, held, open_run

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a run was worth."""

    metrics: Mapping[str, float | None]
    """Metrics of the validation rows by name, e.g. `accuracy`; empty where there are none."""
    report: Mapping[str, Any]
    """Everything that was measured: the content of `report.json`."""
    directory: RunDirectory
    """Where it all lies."""
    model: Any = field(repr=False, default=None)
    """The trained model."""
    processing_class: Any = field(repr=False, default=None)
    """Its tokenizer or image processor."""
    url: str | None = None
    """Where this call has pushed the model."""


def finetune(
    recipe: str | os.PathLike[str] | Mapping[str, Any] | Recipe,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    model: Any = None,
    train_dataset: Any = None,
    eval_dataset: Any = None,
    processing_class: Any = None,
) -> Outcome:
    """Fine-tune as a recipe says; a run that is finished already gives its outcome again.

    Args:
        recipe: path or name of a recipe, its content as a mapping, or a `Recipe`.
        overrides: `{"training.learning_rate": 3e-4}` or `["training.learning_rate=3e-4"]`.
        model: a model of the task, instead of the one that the recipe names.
        train_dataset: a `datasets.Dataset` of raw rows with the recipe's columns, instead of the recipe's.
        eval_dataset: likewise, the rows that are scored during training.
        processing_class: a tokenizer or image processor, instead of the model's own.

    Raises:
        HfEfficientError: anything that the user can mend; see `hf_efficient.errors`.
    """
    live = Live(model, train_dataset, eval_dataset, processing_class)
    words = Recipe.of(live.named(recipe) if isinstance(recipe, Mapping) else recipe, overrides)
    if words.active is not None:
        raise PlanError(f"{words.place('active')} chooses rows for people to label: run `hf-efficient active` instead.")
    directory = RunDirectory.of(words)
    args, precision, scheduler = training_arguments(words, directory)
    with ExitStack() as stack:
        on_main_process(lambda: stack.enter_context(held(directory)))
        opening = on_main_process(lambda: open_run(directory, words, comparable=not live))
        if opening.finished:
            if args.should_log:
                logger.warning("%s: this run was finished before; here is its result", directory.path)
            return load_outcome(directory)
        plan = divide_steps(words, build(words, args, scheduler, live), directory)
        for note in opening.notes:
            plan = plan.with_note(note)
            if args.should_log:
                logger.warning("%s: %s", directory.path, note)
        trained = run(plan, directory, opening)
        report = report_facts(words, plan, precision, trained)
        on_main_process(
            lambda: write_reports(
                directory.path, report, list(trained.history), directory.recipe.read_text(), _described(words)
            )
        )
    url = on_main_process(lambda: _push(directory, words.hub))
    return Outcome(trained.metrics.get("validation", {}), report, directory, trained.model, plan.processing_class, url)


def _push(directory: RunDirectory, hub: Hub | None) -> str | None:
    """The address of the pushed model; a push that fails is a warning, since all that matters is on disk by then."""
    from hf_efficient.hub import push

    if hub is None:
        return None
    try:
        return push(directory.path, hub)
    except HubError as error:
        logger.warning("%s", error)
        return None


def load_outcome(directory: RunDirectory) -> Outcome:
    """The outcome of a finished run, read from its directory.

    Raises:
        RunDirectoryError: the run is not finished, or its report is damaged.
    """
    report = read_report(directory.path)
    if report is None:
        raise RunDirectoryError(
            f"{directory.path}: expected a finished run, found no report.json; run its recipe first."
        )
    model, tokenizer = _load_model(directory, report["model"]["auto_model"])
    return Outcome(report["metrics"].get("validation", {}), report, directory, model, tokenizer)


def _load_model(directory: RunDirectory, auto_model: str) -> tuple[Any, Any]:
    unmerged = directory.base.is_dir()
    folder = directory.base if unmerged else directory.model
    try:
        with without_library_bars():
            model = getattr(transformers, auto_model).from_pretrained(folder)
            same_in_evaluation(model)
            read = read_image_processor if takes_images(auto_model) else transformers.AutoTokenizer.from_pretrained
            tokenizer = read(folder)
    except (OSError, ValueError, SafetensorError) as error:
        raise _unloadable(folder, error) from error
    if not unmerged:
        return model, tokenizer
    try:
        return load_adapted(model, directory.adapter), tokenizer
    except (KeyError, OSError, RuntimeError, TypeError, ValueError, SafetensorError) as error:  # as peft finds damage
        raise _unloadable(directory.adapter, error) from error


def _unloadable(folder: Path, error: Exception) -> RunDirectoryError:
    found = first_line(error) if folder.is_dir() else "it is missing"
    return RunDirectoryError(
        f"{folder}: the model of a finished run can't be loaded ({found}); choose another training.output_dir, or "
        "delete this one to train again."
    )


def _of_views(augment: Augment | None) -> Iterator[str]:
    """What the settings of augmenters name."""
    for _, section in augment or ():
        if isinstance(section, Section):
            yield from (value for _, value in section if isinstance(value, str))


def _described(recipe: Recipe) -> dict[str, Asset]:
    """Licence, origin and citation of the pinned assets that the run used, by name."""
    names = (recipe.model.name, recipe.data.name, recipe.data.unlabelled, *_of_views(recipe.augment))
    return {name: describe(name) for name in names if name and is_asset(name)}
