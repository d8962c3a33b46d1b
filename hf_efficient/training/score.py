"""Scoring rows with a finished run, and predicting them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import DataError, PlanError, RecipeError, RunDirectoryError, did_you_mean
from hf_efficient.recipe import Columns, Recipe
from hf_efficient.recipe.overrides import Overrides, read_overrides
from hf_efficient.recipe.tree import dotted
from hf_efficient.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_efficient.tasks import Task

ACTING: Final = (
    "data.columns.image",
    "data.columns.completion",
    "data.columns.label",
    "data.columns.messages",
    "data.columns.prompt",
    "data.columns.target",
    "data.columns.text",
    "data.columns.text_pair",
    "data.columns.tokens",
    "data.columns.weight",
    "data.max_length",
    "data.max_target_length",
    "data.packing",
    "data.truncation",
    "task.generation.max_new_tokens",
    "task.generation.num_beams",
    "task.metrics",
    "task.prefix",
    "task.threshold",
    "training.allow_slow",
    "training.dataloader_num_workers",
    "training.eval_accumulation_steps",
    "training.per_device_eval_batch_size",
    "training.precision",
    "training.use_cpu",
)
"""Settings that still act on a trained model; any other one is refused."""


@dataclass(frozen=True)
class FinishedRun:
    """A trained model with all that is needed to use it as it was trained."""

    recipe: Recipe
    directory: RunDirectory
    model: Any = field(repr=False)
    """In fp32."""
    processing_class: Any = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    """The content of `report.json`."""


@dataclass(frozen=True)
class Evaluation:
    """What a model was worth on some rows."""

    metrics: Mapping[str, float | None]
    """The loss, and the task's metrics by name; None where one is undefined."""
    rows: str
    """Which rows: their source, or the split of the recipe."""
    num_rows: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predictions:
    """The rows in the order that they came in, with what the model says of each."""

    table: Dataset
    """The input's columns, and `prediction`; `score`, its probability, or `scores` of all labels of several a row."""
    notes: tuple[str, ...] = ()


def load_run(path: str | Path, overrides: Overrides = ()) -> FinishedRun:
    """The run that lies in a directory.

    Args:
        path: the run's directory, `training.output_dir`.
        overrides: settings that still act on a trained model, e.g. `["data.columns.text=sentence"]`.

    Raises:
        RunDirectoryError: there is no run, it is not finished, or its model is damaged.
        RecipeError: an override is wrong, or can't take effect.
        PlanError: an override does not fit the model.
    """
    directory = RunDirectory(Path(path).expanduser())
    if not directory.recipe.is_file():
        raise RunDirectoryError(f"{path}: expected the directory of a run, found no recipe.yaml in it; check the path.")
    recipe = Recipe.load(directory.recipe, overrides)
    overridden = _acting_paths(overrides)
    if not any((folder / "config.json").is_file() for folder in (directory.model, directory.base)):
        raise RunDirectoryError(
            f"{path}: expected a finished run, found no model/; run `hf-efficient finetune {directory.recipe}` first."
        )

    from hf_efficient.models.quantization import is_quantized
    from hf_efficient.training.finetune import load_outcome

    outcome = load_outcome(directory)
    if "task.threshold" in overridden and outcome.model.config.problem_type != "multi_label_classification":
        raise PlanError("task.threshold has no effect: only a multi-label model has a threshold; leave it out.")
    model = outcome.model if is_quantized(outcome.model) else outcome.model.float()
    return FinishedRun(recipe, directory, model, outcome.processing_class, outcome.report)


def evaluate_run(run: FinishedRun, data: str | Dataset | None = None, split: str | None = None) -> Evaluation:
    """The loss and metrics of a run's model on labelled rows.

    Args:
        run: what `load_run` gives.
        data: a file, directory, data set or asset, or raw rows; by default the recipe's own rows as in training.
        split: of `data`; of the recipe's rows by default `test` where there is one, else `validation`.

    Raises:
        RecipeError: there is no such file, split or column.
        DataError: rows or labels that can't be used, labels that the model does not know, or none at all.
        PlanError: the device can't do the recipe's precision.
    """
    from hf_efficient import tasks
    from hf_efficient.training.scoring_trainer import score_rows

    notes = []
    if data is None:
        rows, table, task = _recipe_rows(run, split)
    else:
        rows, table = _given_rows(data, split)
        task = _restore(run, run.recipe.data.columns, table, rows)
        if run.recipe.task.class_weights is not None:
            notes.append("the loss is without the class weights of the training rows")
    task = tasks.bind(task, run.model, run.processing_class)
    encoded, cut = _encode(run, task, table, rows)
    if "labels" not in encoded.column_names:
        raise DataError(
            f"{rows}: expected labels to score, found none in {', '.join(table.column_names)}; name their column in "
            "data.columns.label=COLUMN (of targets, data.columns.target=COLUMN), or use `hf-efficient predict`"
        )
    logs = score_rows(run.recipe, run.model, run.processing_class, task, encoded)
    metrics = {name: logs[f"eval_{name}"] for name in ("loss", *task.metric_names)}
    return Evaluation(metrics, rows, len(table), (*cut, *notes))


def model_inputs(run: FinishedRun, split: str, number: int) -> list[Mapping[str, Any]]:
    """What the model is fed of the recipe's first rows of a split, a row at a time.

    Raises:
        RecipeError, DataError: as `evaluate_run`.
    """
    from hf_efficient import tasks
    from hf_efficient.losses import is_side_column

    rows, table, task = _recipe_rows(run, split)
    task = tasks.bind(task, run.model, run.processing_class)
    encoded, _ = _encode(run, task, table.select(range(min(number, len(table)))), rows)
    collator = task.collator(run.processing_class)
    batches: list[Mapping[str, Any]] = [collator([row]) for row in encoded]
    return [{name: value for name, value in batch.items() if not is_side_column(name)} for batch in batches]


def predict_run(run: FinishedRun, data: str | Dataset | Sequence[str], split: str | None = None) -> Predictions:
    """What a run's model says of rows, labelled or not, in their own order.

    Args:
        run: what `load_run` gives.
        data: a file, directory, data set or asset, raw rows, or a list of texts.
        split: of `data`, by default `test` where there is one, else `validation`, else `train`.

    Raises:
        RecipeError: there is no such file, split or column.
        DataError: rows that can't be used, or with a column named as one of the predictions'.
        PlanError: the device can't do the recipe's precision.
    """
    from hf_efficient import tasks
    from hf_efficient.training.scoring_trainer import predict_rows

    rows, table = _given_rows(_as_table(run, data), split)
    columns, unlabelled = _without_labels(run, table, rows)
    task = _restore(run, columns, unlabelled, rows)
    names = _new_columns(task, table, rows)
    task = tasks.bind(tasks.to_predict(task), run.model, run.processing_class)
    encoded, cut = _encode(run, task, unlabelled, rows)
    logits = predict_rows(run.recipe, run.model, run.processing_class, task, encoded)
    records = task.predictions(logits, encoded)
    for index, name in enumerate(names):
        table = table.add_column(name, [tuple(record.values())[index] for record in records])
    return Predictions(table, cut)


def _acting_paths(overrides: Overrides) -> set[str]:
    """The paths of the overrides, each of which acts on a trained model."""
    for override in read_overrides(overrides):
        path = dotted(override.path)
        if path not in ACTING:
            raise RecipeError(
                f"{override.source}: {path} has no effect on a model that is trained; {', '.join(ACTING)} have."
            )
    return {dotted(override.path) for override in read_overrides(overrides)}


# Rows.

_LEARNT: Final = ("label", "target", "completion", "weight")
"""Parts of columns that training and scoring read, and prediction does not."""


def _recipe_rows(run: FinishedRun, split: str | None) -> tuple[str, Dataset, Task]:
    """The recipe's rows of a split, split off as in training, and the task that was learnt from them."""
    from hf_efficient import tasks
    from hf_efficient.data import load_tables

    recipe = run.recipe
    if recipe.data.name is None and recipe.data.train is None:
        raise DataError(f"{run.directory.path}: its rows came from Python; say with --data which ones to score.")
    if split == "train" and recipe.data.streaming:
        raise RecipeError("split: the run's training rows were streamed; say with --data which ones to score.")
    tables = load_tables(recipe.data, recipe.place, tasks.rules_of(recipe.task))
    rows = split or ("test" if "test" in tables else "validation")
    if rows not in tables:
        known = ", ".join(tables)
        raise RecipeError(f"split: the run has no rows {rows}, only {known}.{did_you_mean(rows, tables)}")
    task = tasks.learn(recipe.task, recipe.data, tables, recipe.place)
    if task.config().get("id2label", run.model.config.id2label) != run.model.config.id2label:
        found = ", ".join(task.config()["id2label"].values())
        expected = ", ".join(run.model.config.id2label.values())
        raise DataError(
            f"{run.directory.path}: expected the classes that the model was trained on, {expected}; the recipe's rows "
            f"have {found} now; say with --data which ones to score."
        )
    return rows, tables[rows], task


def _as_table(run: FinishedRun, data: str | Dataset | Sequence[str]) -> str | Dataset:
    """`data`, a list of texts turned into rows."""
    from datasets import Dataset

    if isinstance(data, (str, Dataset)):
        return data
    if run.recipe.task.type == "image-classification":
        raise DataError("text: the model takes images, found texts; give a folder or file of images with --data.")
    if run.recipe.task.type == "token-classification":
        return Dataset.from_dict({run.recipe.data.columns.tokens or "tokens": [text.split() for text in data]})
    if run.recipe.data.columns.text_pair is not None:
        raise DataError("text: the model takes pairs of texts, found single ones; give rows with --data instead.")
    columns = run.recipe.data.columns
    if run.facts["task"].get("rows") == "messages":
        questions = [[{"role": "user", "content": text}] for text in data]
        return Dataset.from_dict({columns.messages or "messages": questions})
    return Dataset.from_dict({columns.prompt or columns.text or "text": list(data)})


def _given_rows(data: str | Dataset, split: str | None) -> tuple[str, Dataset]:
    """What messages call the rows, and the rows."""
    from hf_efficient.data import load_table

    rows, table = (data, load_table(data, split=split)) if isinstance(data, str) else ("data", data)
    if len(table) == 0:
        raise DataError(f"{rows}: expected rows, found none.")
    return rows, table


def _without_labels(run: FinishedRun, table: Dataset, rows: str) -> tuple[Columns, Dataset]:
    """The columns that the model reads, and the rows without those that only training reads."""
    given = run.recipe.data.columns
    present = {part: _present(getattr(given, part), table) for part in _LEARNT}
    roles = vars(_restore(run, given.model_copy(update=present), table, rows).columns)
    read = {part: name for part, name in roles.items() if part not in _LEARNT}
    unread = {name for part in _LEARNT for name in _names(roles.get(part))} - {*read.values()}
    return Columns(**read), table.remove_columns(sorted(unread))


def _present(value: str | tuple[str, ...] | None, table: Dataset) -> Any:
    """The named columns that the table has, or None if it has none of them."""
    present = tuple(name for name in _names(value) if name in table.column_names)
    return (value if isinstance(value, str) else present) if present else None


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _restore(run: FinishedRun, columns: Columns, table: Dataset, rows: str) -> Task:
    from hf_efficient import tasks

    section = run.recipe.data.model_copy(update={"columns": columns})
    with _naming_columns():
        return tasks.restore(run.recipe.task, section, table, run.model.config, _place(run, rows))


@contextmanager
def _naming_columns() -> Iterator[None]:
    """Adds to an error of the columns how another one is named."""
    try:
        yield
    except RecipeError as error:
        if "data.columns." not in str(error):
            raise
        remedy = "Name it in the command, as in data.columns.text=COLUMN, or `data.columns.weight=` for none."
        raise RecipeError(f"{error} {remedy}") from error


def _place(run: FinishedRun, rows: str) -> Callable[[str], str]:
    """A missing column is the rows' fault, anything else that of the setting."""
    return lambda path: f"{rows}: {path}" if path.startswith("data.columns") else run.recipe.place(path)


def _encode(run: FinishedRun, task: Task, table: Dataset, rows: str) -> tuple[Dataset, tuple[str, ...]]:
    """The rows as the model is fed them, and a note if some were cut."""
    from hf_efficient.models import encoding_limits

    recipe, config = run.recipe, run.model.config
    limits = encoding_limits(
        task, config, run.processing_class, recipe.data, recipe.place, virtual_tokens=recipe.virtual_tokens
    )
    encoded = task.encode(table, run.processing_class, split=rows, **limits)
    if not encoded.num_truncated:
        return encoded.dataset, ()
    return encoded.dataset, (f"{encoded.num_truncated} of {len(table)} rows were cut to {limits['max_length']} tokens",)


# Predictions.

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "single_label": ("prediction", "score"),
    "multi_label": ("prediction", "scores"),
    "regression": ("prediction",),
    "tags": ("prediction", "score"),
    "entities": ("prediction", "score"),
    "generation": ("prediction",),
    "next_token": ("prediction",),
}
"""Columns that a task's records become, by its problem."""


def _new_columns(task: Task, table: Dataset, rows: str) -> tuple[str, ...]:
    names = _COLUMNS[task.facts()["problem"]]
    for name in names:
        if name in table.column_names:
            raise DataError(f"{rows}: the predictions need the column {name}, which is there already; rename it.")
    return names
