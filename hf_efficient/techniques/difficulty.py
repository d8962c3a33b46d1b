"""How the rows of a plan are scored: what a curriculum and pruning have in common."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from tqdm import tqdm

from hf_efficient.assets.cache import cache_root
from hf_efficient.data.difficulty import Scores, disagreement, rarity, read_scores, scores_of_function
from hf_efficient.data.drawn import DrawnRows
from hf_efficient.data.images import without_bars
from hf_efficient.data.stream import StreamedRows
from hf_efficient.data.tracking import Forgetting
from hf_efficient.errors import PlanError
from hf_efficient.losses.difficulty import difficulty
from hf_efficient.losses.supervised import Supervised
from hf_efficient.models.autocast import autocast_dtype
from hf_efficient.models.brief import BriefTraining
from hf_efficient.models.cached_rows import computation_key, lengths_of
from hf_efficient.models.distributed import is_cut
from hf_efficient.models.scored_rows import Scored, find_scores, keep_scores, scores_key, scores_of_model, timed
from hf_efficient.models.teacher import Loaded, Teacher, load_teacher
from hf_efficient.recipe.difficulty import OF_MODEL

if TYPE_CHECKING:
    from hf_efficient.plan import Plan
    from hf_efficient.recipe.difficulty import Brief, Difficulty

_OF_CLASSES: Final = {
    "single_label": OF_MODEL,
    "multi_label": ("loss", "entropy", "el2n", "forgetting"),
    "tags": OF_MODEL,
    "entities": OF_MODEL,
}
"""What a model can be asked of each problem; of others the loss alone."""


def check_rows(plan: Plan, section: Difficulty, place: str) -> None:
    """Refuse rows that can't be ranked.

    Raises:
        PlanError: there are none, nobody has counted them, or they are no rows of the user's.
    """
    if plan.train_dataset is None:
        raise PlanError(f"{place} ranks all training rows, and there are none; give train_dataset.")
    if isinstance(plan.train_dataset, StreamedRows):
        raise PlanError(f"{place} ranks all training rows, and a stream is read as it comes; take data.streaming out.")
    if not hasattr(plan.train_dataset, "__len__"):
        raise PlanError(f"{place} ranks all training rows, and this data set has no length.")
    if plan.task is not None and plan.task.facts().get("packing"):
        raise PlanError(f"{place} ranks rows, and rows share sequences here; set data.packing: false.")
    if plan.num_unlabelled and section.by not in ("length", "rarity"):
        raise PlanError(
            f"{place}.by: {section.by} can't be told of the rows of data.unlabelled; rank by length or rarity."
        )


def scorer(plan: Plan, section: Difficulty, place: str) -> Callable[[], Scored]:
    """What scores the rows of an epoch of the plan, to be called once.

    Raises:
        RecipeError: there is no such reference.
        PlanError: the rows can't be scored this way.
    """
    match section.by:
        case "length":
            return partial(timed, partial(_lengths, plan, place))
        case "rarity":
            return partial(timed, partial(_rarity, plan, place))
        case "column" | "disagreement" | "function":
            return partial(timed, partial(_of_table, plan, section, place))
    labels = labels_of(plan, section.by, place)
    if section.reference is not None:
        return _of_reference(plan, section, labels, place)
    if section.brief is not None:
        return _of_brief(plan, section, section.brief, labels, place)
    raise PlanError(f"{place}.by: {section.by} needs a model to ask; name one in {place}.reference, or {place}.brief.")


def labels_of(plan: Plan, by: str, place: str) -> Supervised:
    """The labels' loss of the task, if `by` can be told by it.

    Raises:
        PlanError: it can't.
    """
    labels = plan.losses[0] if plan.losses else None
    if plan.task is None or not isinstance(labels, Supervised):
        raise PlanError(f"{place}.by: {by} needs a task's own rows; train by a recipe, or rank by length or rarity.")
    problem = plan.task.facts()["problem"]
    told = _OF_CLASSES.get(problem, ("loss",))
    if by not in told:
        raise PlanError(
            f"{place}.by: {by} can't be told of a {problem} problem; take {', '.join(told)}, length or rarity."
        )
    return labels


def scoring_facts(scored: Scored | None) -> dict[str, Any]:
    """What the report says of what the scores took; None where nothing was scored."""
    return {
        "scoring_seconds": None if scored is None else scored.seconds,
        "scoring_cpu_seconds": None if scored is None else scored.cpu_seconds,
        "scores_found": None if scored is None else scored.found,
    }


def first_epoch(plan: Plan) -> Any:
    """The rows of an epoch: of those that differ from epoch to epoch, the first one's."""
    rows = plan.train_dataset
    if plan.rows_per_epoch is None:
        return rows
    return rows.select(range(plan.rows_per_epoch))


def _lengths(plan: Plan, place: str) -> Scores:
    rows = first_epoch(plan)
    if "length" in getattr(rows, "column_names", ()):
        return np.asarray(rows["length"], dtype=np.float32)
    return np.asarray([len(tokens) for tokens in _tokens(rows, place)], dtype=np.float32)


def _rarity(plan: Plan, place: str) -> Scores:
    return rarity(_tokens(first_epoch(plan), place))


def _tokens(rows: Any, place: str) -> Sequence[Sequence[int]]:
    if not len(rows) or "input_ids" not in rows[0]:
        raise PlanError(f"{place}.by counts tokens, and the rows have none; rank by a column or by what a model says.")
    if hasattr(rows, "column_names"):
        tokens: Sequence[Sequence[int]] = rows["input_ids"][:]
        return tokens
    return [row["input_ids"] for row in rows]


def _of_table(plan: Plan, section: Difficulty, place: str) -> Scores:
    table = plan.train_table if plan.train_table is not None else plan.train_dataset
    if not hasattr(table, "column_names"):
        raise PlanError(f"{place}.by: {section.by} reads columns, and the rows are no datasets.Dataset.")
    table = table.with_format(None)
    if isinstance(plan.train_dataset, DrawnRows):
        table = table.select(plan.train_dataset.numbers)
    if len(table) > plan.num_train_rows:
        table = table.select(range(plan.num_train_rows))
    if section.function is not None:
        return scores_of_function(section.function, table, f"{place}.function")
    assert section.column is not None
    columns = (section.column,) if isinstance(section.column, str) else section.column
    if section.by == "column":
        return read_scores(table, columns[0], f"{place}.column")
    return disagreement(table, columns, f"{place}.column")


def _of_reference(plan: Plan, section: Difficulty, labels: Supervised, place: str) -> Callable[[], Scored]:
    assert plan.task is not None
    assert section.reference is not None
    loaded = load_teacher(section.reference, plan.task, f"{place}.reference")
    rows, collator = _read_by(loaded, plan, place)
    key = scores_key(_model_key(loaded.model, autocast_dtype(plan.args)), rows, section.by, _told_by(labels))
    if (found := find_scores(cache_root() / "scores", key, len(rows))) is not None:
        return lambda: found
    compute = partial(_scores_of_reference, section.by, labels, loaded.model, rows, collator, plan.args)
    return partial(keep_scores, cache_root() / "scores", key, compute)


def _scores_of_reference(by: str, labels: Supervised, model: Any, rows: Any, collator: Any, args: Any) -> Scores:
    return scores_of_model(by, labels, Teacher.on(args, model), rows, collator, _shown)


def _read_by(reference: Loaded, plan: Plan, place: str) -> tuple[Any, Any]:
    """The rows of an epoch as the reference reads them, with their labels, and what makes batches of them."""
    assert plan.task is not None
    rows = first_epoch(plan)
    if reference.tokenizer is None or reference.tokenizer.get_vocab() == plan.processing_class.get_vocab():
        return rows, plan.data_collator
    if plan.task.name != "text-classification" or plan.encode_train is None:
        raise PlanError(
            f"{place}.reference: {reference.name} reads other tokens than the model, and {plan.task.name} is scored "
            "token by token; take a reference with the model's tokens."
        )
    own = plan.encode_train(reference.tokenizer, reference.model.config).select(range(len(rows)))
    with without_bars():
        for name in ("labels", "sample_weight"):
            own = own.add_column(name, rows[name][:]) if name in rows.column_names else own
    return own, plan.task.collator(reference.tokenizer)


def _of_brief(plan: Plan, section: Difficulty, brief: Brief, labels: Supervised, place: str) -> Callable[[], Scored]:
    if getattr(plan.model, "is_quantized", False) or is_cut(plan.model):
        raise PlanError(f"{place}.brief trains a copy of the model, which is quantised or sharded; give a reference.")
    rows, args = first_epoch(plan), plan.args
    rate = args.learning_rate if brief.learning_rate is None else brief.learning_rate
    how = (section.by, _told_by(labels), f"{brief.epochs} {rate} {args.seed}")
    key = scores_key(_model_key(plan.model, autocast_dtype(args)), rows, *how)
    if (found := find_scores(cache_root() / "scores", key, len(rows))) is not None:
        return lambda: found
    training = BriefTraining(
        model=copy.deepcopy(plan.model),  # as it is now: other techniques and the run will change it
        rows=rows,
        collator=plan.data_collator,
        labels=labels,
        lengths=lengths_of(rows),
        epochs=brief.epochs,
        learning_rate=rate,
        seed=args.seed,
        device=torch.device(args.device),
        autocast=autocast_dtype(args),
    )
    compute = partial(_scores_of_brief, section.by, labels, training, args)
    return partial(keep_scores, cache_root() / "scores", key, compute)


def _scores_of_brief(by: str, labels: Supervised, training: BriefTraining, args: Any) -> Scores:
    if by == "forgetting":
        seen = Forgetting(len(training.rows))
        training(lambda numbers, batch, rows: seen.update(numbers, difficulty(by, labels, batch).cpu().numpy()))
        return seen.end_epoch()
    return _scores_of_reference(by, labels, training(), training.rows, training.collator, args)


def _model_key(model: Any, autocast: torch.dtype | None) -> str:
    return computation_key(model.config, sorted(model.state_dict().items()), str(autocast))


def _told_by(labels: Supervised) -> str:
    """The settings of the labels' loss."""
    return str(sorted((key, str(value)) for key, value in getattr(labels.row_loss, "keywords", {}).items()))


def _shown(starts: Sequence[int]) -> Any:
    return tqdm(starts, desc="difficulty", unit="batch", leave=False)
