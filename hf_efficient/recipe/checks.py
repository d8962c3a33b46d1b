"""Settings that contradict each other, and settings that can't take effect beside the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.active import PEOPLE, SIMULATED
from hf_efficient.recipe.augment import IMAGE_AUGMENTERS
from hf_efficient.recipe.augment_models import OFFLINE
from hf_efficient.recipe.augment_texts import TEXT_AUGMENTERS, WORD_FOR_WORD
from hf_efficient.recipe.schedules import METRIC_SCHEDULES, SCHEDULES
from hf_efficient.recipe.tree import KeyPath

if TYPE_CHECKING:
    from hf_efficient.recipe.active import Active
    from hf_efficient.recipe.recipe import Recipe

Complaint: TypeAlias = tuple[str, str]
"""The dotted path of a setting, and what is wrong with it."""


@dataclass(frozen=True)
class Need:
    """A condition without which the setting at `path` can't take effect, and how to bring it about."""

    path: str
    holds: Callable[[Recipe], bool]
    remedy: str


_NO_ADAM: Final = ("adafactor", "adagrad", "adalomo", "galore_adafactor", "lomo", "rmsprop", "sgd")
_ON_STEPS: Final = "set training.{0}_strategy: steps"
_STREAMED: Final = {
    "data.validation_size": "no rows of a stream are held out; name those to score in data.validation",
    "data.fraction": "nobody knows how many rows a stream has; set training.max_steps",
    "data.limit": "a stream is read until training.max_steps; set that",
    "data.label_noise": "a stream is read as it is; take it out",
    "data.seed": "nothing is chosen from a stream; training.seed draws the order of its rows",
    "data.unlabelled": "a stream reads one source; take it out",
    "data.packing": "how many sequences the rows of a stream fill is known only when all are read; take it out",
    "task.class_weights": "they are scaled by the rows of each class, which nobody has counted in a stream; give each "
    "row a weight in data.columns.weight",
    "batching.max_tokens": "token budgets need the length of every row; take it out, and write batching.padding: auto",
    "augment": "views are made before training, and a stream is read as it goes; take it out",
    "training.dataloader_drop_last": "each batch of a stream is whole; take it out",
    **dict.fromkeys(("curriculum", "prune"), "the rows of a stream can't be ranked before they are read; take one out"),
}
"""What a setting needs all rows for, and the alternative on a stream."""
_PINNED: Final = "the assets under demo/ are pinned"


def _tracked(recipe: Recipe, tracker: str | None = None) -> bool:
    report_to = recipe.training.report_to
    names = {report_to} if isinstance(report_to, str) else set(report_to or ())
    return bool(names & {tracker, "all"}) if tracker else not names <= {"none"}


def _single_label(recipe: Recipe) -> bool:
    return recipe.task.problem in ("auto", "single_label")


def _labels_words(recipe: Recipe) -> bool:
    return recipe.task.type == "token-classification"


def _has_targets(recipe: Recipe) -> bool:
    return recipe.task.type == "text2text-generation"


def _is_language_model(recipe: Recipe) -> bool:
    return recipe.task.type == "text-generation"


def _generates(recipe: Recipe) -> bool:
    return _has_targets(recipe) or _is_language_model(recipe)


def _has_labels(recipe: Recipe) -> bool:
    return not _generates(recipe)


def _reads_images(recipe: Recipe) -> bool:
    return recipe.task.type == "image-classification"


def _reads_text(recipe: Recipe) -> bool:
    return not _reads_images(recipe)


def _is_consistent(recipe: Recipe) -> bool:
    return recipe.augment is not None and recipe.augment.consistency is not None


def _translates_by_models(recipe: Recipe) -> bool:
    translation = None if recipe.augment is None else recipe.augment.back_translation
    return translation is None or translation.forward != OFFLINE


def _views_differ(recipe: Recipe) -> bool:
    """Whether something draws the views of a row."""
    augment = recipe.augment
    if augment is None or augment.control or augment.copies == 1:
        return True
    translation = augment.back_translation
    return translation is None or translation.temperature is not None or len(augment.text_augmenters) > 1


def _in_memory(recipe: Recipe) -> bool:
    return not recipe.data.streaming


def _workers(recipe: Recipe) -> bool:
    return bool(recipe.training.dataloader_num_workers > 0)


def _adam(recipe: Recipe) -> bool:
    return not recipe.training.optim.startswith(_NO_ADAM)


def _has_no_virtual_tokens(recipe: Recipe) -> bool:
    return recipe.peft is None or not recipe.peft.is_prompt_learning


def _compares(recipe: Recipe) -> bool:
    """Whether anything looks for the best evaluation."""
    training = recipe.training
    return bool(
        training.load_best_model_at_end
        or training.metric_for_best_model
        or training.lr_scheduler_type in METRIC_SCHEDULES
    )


def _logs_on_steps(recipe: Recipe) -> bool:
    training = recipe.training
    evaluates = training.eval_strategy == "steps" and training.eval_steps is None
    return training.logging_strategy == "steps" or evaluates


def _classifies(recipe: Recipe) -> bool:
    """Whether each row has one class."""
    is_classification = recipe.task.type in ("text-classification", "image-classification")
    return is_classification and _single_label(recipe) and not isinstance(recipe.data.columns.label, tuple)


def _with_active(holds: Callable[[Active], bool]) -> Callable[[Recipe], bool]:
    """Whether the section `active`, if there is one, is so."""
    return lambda recipe: recipe.active is None or holds(recipe.active)


_OF_ACTIVE: Final = (
    Need(
        "active",
        _classifies,
        "only text-classification and image-classification, one label a row, choose what to label",
    ),
    Need("active", _in_memory, "all rows of the pool are compared, and a stream is read once; take data.streaming out"),
    *(
        Need(path, _with_active(lambda active: active.is_simulated), "a person labels any row of the pool; take it out")
        for path in ("data.fraction", "data.limit")
    ),
    Need("data.label_noise", lambda r: r.active is None, "labels come from active.labeller; take one out"),
    Need(
        "active.warm_start", _with_active(lambda a: not a.fast), "with active.fast, a head is trained in no time anew"
    ),
    Need("active.members", _with_active(lambda a: a.strategy == "bald"), "set active.strategy: bald"),
    Need("active.neighbours", _with_active(lambda a: a.strategy == "contrastive"), "set active.strategy: contrastive"),
    Need(
        "active.balanced",
        _with_active(lambda a: a.strategy not in ("core_set", "badge")),
        "core_set and badge choose sets of rows that differ from each other; take another active.strategy",
    ),
    Need("active.stability_rounds", _with_active(lambda a: a.stability is not None), "set active.stability"),
    Need("active.file", _with_active(lambda a: a.labeller == "file"), "set active.labeller: file"),
)

NEEDS: Final = (
    *_OF_ACTIVE,
    Need("data.columns.tokens", _labels_words, "set task.type: token-classification"),
    *(
        Need(path, lambda r: not _labels_words(r), "token-classification gives each of data.columns.tokens one label")
        for path in ("data.columns.text", "data.columns.text_pair", "task.problem", "task.threshold")
    ),
    *(
        Need(path, _has_targets, "set task.type: text2text-generation")
        for path in ("task.prefix", "data.columns.target", "data.max_target_length")
    ),
    Need("task.generation", _generates, "only a model of text-generation or text2text-generation writes texts"),
    *(
        Need(path, _is_language_model, "set task.type: text-generation")
        for path in ("data.columns.prompt", "data.columns.completion", "data.columns.messages", "data.packing")
    ),
    Need(
        "data.columns.weight", lambda r: not _is_language_model(r), "a language model's loss counts every token alike"
    ),
    *(
        Need(path, _has_labels, "a model that writes texts has no labels")
        for path in (
            *("task.problem", "task.labels", "task.class_weights", "task.threshold"),
            *("data.columns.label", "data.columns.text_pair"),
        )
    ),
    *(
        Need(path, _reads_images, "set task.type: image-classification")
        for path in ("data.columns.image", "data.image_size")
    ),
    *(
        Need(path, _reads_text, "images have no text")
        for path in (
            *("data.columns.text", "data.columns.text_pair", "data.max_length", "data.truncation"),
            *("model.tokenizer", "model.pad_token"),
        )
    ),
    Need("task.labels", lambda r: r.task.problem != "regression", "a regression has no classes"),
    Need("task.class_weights", lambda r: r.task.problem != "regression", "a regression has no classes"),
    Need("task.threshold", lambda r: r.task.problem in ("auto", "multi_label"), "set task.problem: multi_label"),
    Need("model.revision", lambda r: not r.model.name.startswith("demo/"), _PINNED),
    Need(
        "model.distributed_config",
        lambda r: r.model.initialization == "pretrained",
        "a model is cut while its weights are read; set model.initialization: pretrained",
    ),
    Need("data.config", lambda r: r.data.name is not None, "set data.name"),
    Need("data.revision", lambda r: r.data.name is not None and not r.data.name.startswith("demo/"), _PINNED),
    *(Need(path, _in_memory, remedy) for path, remedy in _STREAMED.items()),
    Need("data.label_noise", _classifies, "only rows of one class each have a wrong one"),
    Need("data.shuffle_buffer", lambda r: r.data.streaming, "set data.streaming: true"),
    Need("data.validation_size", lambda r: r.data.validation is None, "data.validation names the rows to score"),
    Need(
        "data.unlabelled",
        lambda r: (r.distill is not None and r.distill.teaches) or _is_consistent(r),
        "only a teacher can answer such rows, or augment.consistency learn from them; name one",
    ),
    Need("data.unlabelled", _has_labels, "a model that writes texts has no labels"),
    Need(
        "curriculum",
        lambda r: r.batching.padding != "tokens",
        "batching.padding: tokens sorts all rows of an epoch by length; write bucketed",
    ),
    *(
        Need(path, lambda r: not r.data.packing, "rows share sequences: write data.packing: false")
        for path in ("curriculum", "prune")
    ),
    Need(
        "distill.beta",
        lambda r: r.distill is None or r.distill.divergence == "jensen_shannon",
        "set distill.divergence: jensen_shannon",
    ),
    Need(
        "distill.temperature",
        lambda r: r.distill is None or r.distill.divergence != "squared_error",
        "a squared error of logits has none",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or _generates(r),
        "only a model of text-generation or text2text-generation answers with a vocabulary",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or r.distill.divergence != "squared_error",
        "a squared error takes all logits",
    ),
    Need(
        "distill.top_k",
        lambda r: r.distill is None or len(r.distill.teachers) == 1,
        "the likeliest tokens of several teachers can't be averaged",
    ),
    Need(
        "distill.teacher_weights",
        lambda r: r.distill is None or isinstance(r.distill.teacher, tuple),
        "give distill.teacher a list of several",
    ),
    Need(
        "freeze.cache_max_gb", lambda r: r.freeze is None or r.freeze.cache is not False, "take freeze.cache: false out"
    ),
    Need(
        "freeze.train_only",
        lambda r: r.peft is None,
        "peft trains the adapter and the head alone; take peft out, or see peft's bias and method: ln_tuning",
    ),
    Need(
        "freeze.unfreeze",
        lambda r: r.peft is None,
        "peft leaves the model's own weights as they are; take one out",
    ),
    Need("freeze.unfreeze.every_epochs", _in_memory, "a stream has no known length; write every_steps"),
    Need(
        "model.quantization", lambda r: r.peft is not None, "quantised weights can't be trained: train an adapter, peft"
    ),
    *(
        Need("model.quantization", holds, remedy)
        for holds, remedy in (
            (lambda r: r.model.initialization == "pretrained", "random weights have nothing to lose: take it out"),
            (lambda r: r.distill is None or r.distill.student is None, "the student is cut from whole weights"),
            (lambda r: not r.training.torch_compile, "quantised weights can't be compiled: take torch_compile out"),
        )
    ),
    Need("model.distributed_config", lambda r: r.peft is None, "peft needs the whole model on each process"),
    *(
        Need(
            path,
            lambda r: r.distill is None or _has_no_virtual_tokens(r),
            "the virtual tokens of peft.method stand among those of the row",
        )
        for path in ("distill.hidden", "distill.attention", "distill.relations")
    ),
    Need(
        "training.layerwise_lr_decay",
        _has_no_virtual_tokens,
        "virtual tokens belong to no layer",
    ),
    Need(
        "training.per_device_train_batch_size",
        lambda r: r.batching.padding != "tokens",
        "batching.max_tokens decides how many rows make a batch",
    ),
    Need(
        "training.effective_batch_size",
        lambda r: r.batching.padding != "tokens",
        "batching.max_tokens decides how many rows make a step",
    ),
    Need(
        "training.gradient_accumulation_steps",
        lambda r: r.training.effective_batch_size is None,
        "training.effective_batch_size decides how many micro-batches make a step",
    ),
    *(
        Need(f"augment.{name}", _reads_text, "it changes texts, and the task reads images; take it out")
        for name in TEXT_AUGMENTERS
    ),
    *(
        Need(f"augment.{name}", lambda r: _reads_text(r) and _classifies(r), "only texts of one class each have it")
        for name in ("keep_label", "consistency")
    ),
    Need("augment.consistency", lambda r: r.data.unlabelled is not None, "name rows in data.unlabelled"),
    *(
        Need(f"augment.{name}", lambda r: not _is_language_model(r), "a language model learns each word that it reads")
        for name in TEXT_AUGMENTERS
    ),
    *(
        Need(
            f"augment.{name}",
            lambda r: not _labels_words(r),
            f"each word has its label, which only {', '.join(WORD_FOR_WORD)} keep",
        )
        for name in TEXT_AUGMENTERS
        if name not in WORD_FOR_WORD
    ),
    Need(
        "augment.copies",
        lambda r: r.augment is None or r.augment.below_class_size is None,
        "augment.below_class_size decides how many views are made",
    ),
    Need(
        "augment.copies",
        _views_differ,
        "back_translation takes the likeliest words, so that all views of a row are the same; set its temperature, for "
        "which it needs models",
    ),
    Need("augment.below_class_size", _classifies, "only rows with one label each have classes of a size"),
    Need(
        "augment.below_class_size",
        lambda r: r.task.class_weights != "balanced",
        "task.class_weights: balanced makes up for small classes already; take one out",
    ),
    *(
        Need(
            f"augment.back_translation.{name}",
            _translates_by_models,
            f"{OFFLINE} has no such setting; name a model in augment.back_translation.forward",
        )
        for name in ("backward", "language", "pivot_language", "num_beams", "temperature")
    ),
    *(
        Need(
            f"augment.{name}",
            lambda r: r.curriculum is None,
            "any row may be mixed in, those too that the curriculum holds back; take one out",
        )
        for name in ("mixup", "cutmix")
    ),
    Need("training.num_train_epochs", lambda r: r.training.max_steps < 1, "training.max_steps ends the run; give one"),
    Need("training.eval_steps", lambda r: r.training.eval_strategy == "steps", _ON_STEPS.format("eval")),
    Need("training.eval_delay", lambda r: r.training.eval_strategy != "no", "set training.eval_strategy"),
    Need("training.save_steps", lambda r: r.training.save_strategy == "steps", _ON_STEPS.format("save")),
    Need("training.save_total_limit", lambda r: r.training.save_strategy != "no", "set training.save_strategy"),
    Need("training.save_only_model", lambda r: r.training.save_strategy != "no", "set training.save_strategy"),
    Need("training.save_on_each_node", lambda r: r.training.save_strategy != "no", "set training.save_strategy"),
    Need("training.logging_steps", _logs_on_steps, _ON_STEPS.format("logging")),
    Need("training.greater_is_better", _compares, "set training.metric_for_best_model"),
    Need("training.dataloader_prefetch_factor", _workers, "set training.dataloader_num_workers above 0"),
    Need("training.dataloader_persistent_workers", _workers, "set training.dataloader_num_workers above 0"),
    Need("training.dataloader_multiprocessing_context", _workers, "set training.dataloader_num_workers above 0"),
    Need(
        "training.activation_checkpointing_kwargs",
        lambda r: bool(r.training.activation_checkpointing),
        "set training.activation_checkpointing: true",
    ),
    Need(
        "training.liger_kernel_config",
        lambda r: bool(r.training.use_liger_kernel),
        "set training.use_liger_kernel: true",
    ),
    Need("training.fsdp_config", lambda r: bool(r.training.fsdp), "set training.fsdp"),
    Need(
        "training.optim_target_modules",
        lambda r: r.training.optim.startswith(("galore", "apollo")),
        "set training.optim to a GaLore or APOLLO optimizer",
    ),
    Need("training.adam_beta1", _adam, "set training.optim to an Adam"),
    Need("training.adam_beta2", _adam, "set training.optim to an Adam"),
    Need("training.adam_epsilon", _adam, "set training.optim to an Adam"),
    Need(
        "training.warmup_steps",
        lambda r: SCHEDULES[r.training.lr_scheduler_type].warms_up,
        "this training.lr_scheduler_type has no warmup_steps",
    ),
    Need(
        "training.lr_scheduler_kwargs",
        lambda r: bool(SCHEDULES[r.training.lr_scheduler_type].settings),
        "this training.lr_scheduler_type takes none",
    ),
    Need("training.allow_slow", lambda r: r.training.precision == "bf16", "set training.precision: bf16"),
    Need("training.label_smoothing_factor", _single_label, "only a single_label problem has labels to smooth"),
    *(
        Need(f"augment.{name}", _reads_images, "it changes images, and the task reads text; take it out")
        for name in IMAGE_AUGMENTERS
    ),
    Need("training.run_name", _tracked, "set training.report_to"),
    Need("training.project", lambda r: _tracked(r, "trackio"), "set training.report_to: trackio"),
    Need("training.trackio_space_id", lambda r: _tracked(r, "trackio"), "set training.report_to: trackio"),
    Need("training.trackio_bucket_id", lambda r: _tracked(r, "trackio"), "set training.report_to: trackio"),
    Need("training.trackio_static_space_id", lambda r: _tracked(r, "trackio"), "set training.report_to: trackio"),
)


def dormant(recipe: Recipe) -> frozenset[KeyPath]:
    """The settings that can't take effect in this recipe, whatever they say."""
    return frozenset(tuple(need.path.split(".")) for need in NEEDS if not need.holds(recipe))


def complaints(recipe: Recipe) -> Iterator[Complaint]:
    """What is wrong with the combination of settings, though each is right by itself."""
    for need in NEEDS:
        if recipe.gives(need.path) and not need.holds(recipe):
            yield need.path, f"can't take effect: {need.remedy}."
    checks = (
        _names,
        _columns,
        _student,
        _peft,
        _batch,
        _stream,
        _steps,
        _fresh_views,
        _translation,
        _evaluation,
        _best_model,
        _schedule,
        _thawing,
        _active,
        _device,
        _sharding,
        _liger,
    )
    for check in checks:
        yield from check(recipe)


def _names(recipe: Recipe) -> Iterator[Complaint]:
    """No name stands twice in a list, and weights are those of the labels."""
    task = recipe.task
    for path, names in (("task.labels", task.labels or ()), ("task.metrics", task.metrics or ())):
        yield from ((path, f"names {name} twice.") for name in dict.fromkeys(names) if names.count(name) > 1)
    if task.labels is not None and isinstance(task.class_weights, dict):
        for label in task.class_weights.keys() - set(task.labels):
            hint = did_you_mean(label, task.labels)
            yield f"task.class_weights.{label}", f"is not one of task.labels.{hint}"


def _columns(recipe: Recipe) -> Iterator[Complaint]:
    columns = recipe.data.columns
    taken: dict[str, str] = {}
    parts = ("text", "text_pair", "tokens", "image", "label", "target", "prompt", "completion", "messages", "weight")
    for part in parts:
        value = getattr(columns, part)
        for column in (value,) if isinstance(value, str) else value or ():
            if column in taken:
                yield (
                    f"data.columns.{part}",
                    f"names the column {column}, which is data.columns.{taken[column]} already.",
                )
            taken[column] = part


def _student(recipe: Recipe) -> Iterator[Complaint]:
    distill = recipe.distill
    if distill is not None and distill.student is not None and recipe.model.name != distill.teachers[0]:
        yield "model.name", "can't take effect: distill.student makes the model from the teacher; take one out."


def _peft(recipe: Recipe) -> Iterator[Complaint]:
    """The settings are peft's for the method, the method is one for the task, and weights are not sharded."""
    peft, training = recipe.peft, recipe.training
    if peft is None:
        return
    yield from ((f"peft.{name}", message) for name, message in peft.complaints())
    if peft.is_prompt_learning and _reads_images(recipe):
        yield (
            "peft.method",
            f"is {peft.method}, which puts virtual tokens before text, and images have none: take lora.",
        )
    if peft.is_prompt_learning and _is_language_model(recipe) and recipe.data.packing is not False:
        yield (
            "data.packing",
            "must be false beside virtual tokens, which stand before each row: write data.packing: false.",
        )
    for name in ("fsdp", "deepspeed"):
        if getattr(training, name):
            yield f"training.{name}", "shards a model whose weights all train; take it out, or peft."


def _batch(recipe: Recipe) -> Iterator[Complaint]:
    training = recipe.training
    if training.per_device_train_batch_size == "auto" and training.effective_batch_size is None:
        yield (
            "training.per_device_train_batch_size",
            "auto divides the rows of a step: write how many in training.effective_batch_size.",
        )


def _stream(recipe: Recipe) -> Iterator[Complaint]:
    """A stream has no known length, so nothing of the run may be counted in epochs."""
    if not recipe.data.streaming:
        return
    training = recipe.training
    if _reads_images(recipe):
        yield "data.streaming", "does not stream images, which are read when their batch comes anyway; take it out."
    if training.max_steps < 1:
        yield "data.streaming", "needs training.max_steps, since a stream has no known length: set it to at least 1."
    for name in ("eval_strategy", "save_strategy", "logging_strategy"):
        if getattr(training, name) == "epoch":
            yield f"training.{name}", "can't be epoch, since a stream has no known length: write steps."
    if recipe.early_stopping is not None and recipe.early_stopping.patience_epochs is not None:
        yield "early_stopping.patience_epochs", "needs epochs, which a stream has not: write patience_evaluations."


def _steps(recipe: Recipe) -> Iterator[Complaint]:
    training = recipe.training
    if training.max_steps == 0:
        yield "training.max_steps", "must be at least 1, or -1 to count in epochs, found the number 0."
    for name in ("warmup_steps", "logging_steps", "eval_steps", "save_steps"):
        value = getattr(training, name)
        if value is not None and value > 1 and value != int(value):
            yield (
                f"training.{name}",
                f"must be a whole number, or a share below 1 of all steps, found the number {value}.",
            )


def _fresh_views(recipe: Recipe) -> Iterator[Complaint]:
    """Views of texts are made for each epoch before the run, whose number of epochs must be known by then."""
    augment = recipe.augment
    if recipe.training.max_steps < 1 or augment is None or augment.views == "fixed" or not augment.text_augmenters:
        return
    if recipe.prune is not None or recipe.batching.padding == "tokens":
        reason = "prune changes" if recipe.prune is not None else "batching.padding: tokens changes"
        yield (
            "training.max_steps",
            f"does not say for how many epochs to make views, for {reason} the steps of one; write "
            "training.num_train_epochs instead, or augment.views: fixed.",
        )


def _translation(recipe: Recipe) -> Iterator[Complaint]:
    """A model translates one way, or is told both languages."""
    translation = None if recipe.augment is None else recipe.augment.back_translation
    if translation is None or translation.forward == OFFLINE:
        return
    path = "augment.back_translation"
    given = {"language": translation.language, "pivot_language": translation.pivot_language}
    missing = [name for name, language in given.items() if language is None]
    if len(missing) == 1:
        (other,) = given.keys() - missing
        yield f"{path}.{other}", f"needs the other language, too: set {path}.{missing[0]}."
    elif missing and translation.backward is None:
        yield (
            f"{path}.forward",
            f"translates one way: name the model of the way back in {path}.backward, or, for one that knows both, set "
            f"{path}.language and {path}.pivot_language.",
        )


def _evaluation(recipe: Recipe) -> Iterator[Complaint]:
    """What looks at the evaluation's metric needs both, and an evaluation needs rows."""
    training, data = recipe.training, recipe.data
    if data.validation_size == 0 and data.validation is None and training.eval_strategy != "no":
        yield "data.validation_size", "is 0, so that no rows are held out to be scored: set training.eval_strategy: no."
    watchers = {
        "early_stopping": recipe.early_stopping is not None,
        "training.lr_scheduler_type": training.lr_scheduler_type in METRIC_SCHEDULES,
        "training.load_best_model_at_end": training.load_best_model_at_end,
        "training.save_strategy": training.save_strategy == "best",
    }
    for path, present in watchers.items():
        if present and training.eval_strategy == "no":
            yield path, "needs evaluations: set training.eval_strategy to epoch or steps."
        # For the other two, Hugging Face falls back on the loss.
        if present and path in ("early_stopping", "training.save_strategy") and training.metric_for_best_model is None:
            yield path, "needs a metric to watch: set training.metric_for_best_model, for instance to loss."


def _best_model(recipe: Recipe) -> Iterator[Complaint]:
    """The best model can only be loaded if a checkpoint was written at its evaluation."""
    training = recipe.training
    evaluates, saves = training.eval_strategy, training.save_strategy
    if not training.load_best_model_at_end or evaluates == "no" or saves == "best":
        return
    if evaluates != saves:
        strategies = f"found eval_strategy {evaluates} and save_strategy {saves}"
        yield (
            "training.load_best_model_at_end",
            f"needs a checkpoint at each evaluation, {strategies}; make them equal.",
        )
    elif evaluates == "steps" and not _multiple(training.save_steps, training.eval_steps or training.logging_steps):
        yield "training.load_best_model_at_end", "needs training.save_steps to be a multiple of training.eval_steps."


def _multiple(outer: float, inner: float) -> bool:
    """Whether `outer` is a whole multiple of `inner`, both counts or both shares below 1."""
    ratio = outer / inner
    return (outer < 1) == (inner < 1) and abs(ratio - round(ratio)) < 1e-9 and ratio >= 1


def _schedule(recipe: Recipe) -> Iterator[Complaint]:
    """The settings of a schedule are those that it knows, and those that it can't do without."""
    path, name = "training.lr_scheduler_kwargs", recipe.training.lr_scheduler_type
    schedule, given = SCHEDULES[name], recipe.training.lr_scheduler_kwargs or {}
    if isinstance(given, str):
        yield path, f"must be a mapping, found {given!r}."
        return
    for key in given if schedule.settings else ():
        if key not in schedule.settings:
            allowed = ", ".join(schedule.settings)
            yield (
                f"{path}.{key}",
                f"is no setting of {name}, which takes {allowed}.{did_you_mean(key, schedule.settings)}",
            )
    if schedule.required and not set(schedule.required) & set(given):
        missing = " or ".join(schedule.required)
        yield "training.lr_scheduler_type", f"{name} needs a setting: write {missing} under {path}."


def _thawing(recipe: Recipe) -> Iterator[Complaint]:
    """Something thaws before the run ends, as far as its length is written in the same words."""
    training, unfreeze = recipe.training, None if recipe.freeze is None else recipe.freeze.unfreeze
    if unfreeze is None:
        return
    words = "epochs" if training.max_steps < 1 else "steps"
    every = unfreeze.every_epochs if words == "epochs" else unfreeze.every_steps
    end = training.num_train_epochs if words == "epochs" else training.max_steps
    if every is not None and every >= end:
        yield f"freeze.unfreeze.every_{words}", f"can't take effect: the run ends after {end:g} {words}."


def _active(recipe: Recipe) -> Iterator[Complaint]:
    active = recipe.active
    if active is None:
        return
    if active.seed_size > active.budget:
        yield "active.seed_size", f"is {active.seed_size}, more than the {active.budget} labels of active.budget."
    if active.seed_set == "stratified" and not active.is_simulated:
        yield "active.seed_set", "stratified needs the labels that are yet to be given: write clusters."
    if active.is_simulated and recipe.data.validation_size == 0 and recipe.data.validation is None:
        yield "data.validation_size", "is 0, and a simulation scores the model of each round: take it out."
    if not (active.is_simulated or active.labeller in PEOPLE or ":" in active.labeller):
        hint = did_you_mean(active.labeller, (SIMULATED, *PEOPLE))
        known = ", ".join((SIMULATED, *PEOPLE))
        yield "active.labeller", f"must be {known} or package.module:function, found {active.labeller}.{hint}"


def _device(recipe: Recipe) -> Iterator[Complaint]:
    training = recipe.training
    if training.use_cpu and training.precision in ("fp16", "tf32"):
        yield (
            "training.precision",
            f"{training.precision} does not exist on a CPU, and training.use_cpu is set; write auto.",
        )


def _sharding(recipe: Recipe) -> Iterator[Complaint]:
    """Transformers 5.23 saves the weights of a model that was sharded while it was loaded, not its optimizer."""
    training = recipe.training
    if recipe.model.distributed_config.num_processes == 1:
        return
    if training.save_strategy != "no" and not training.save_only_model:
        yield "model.distributed_config", "can't resume, its optimizer is not saved: set training.save_strategy: no."
    if recipe.model.distributed_config.dp_replicate_size > 1 and recipe.model.distributed_config.fsdp_size == 1:
        yield "model.distributed_config.dp_replicate_size", "can't take effect: set model.distributed_config.fsdp_size."
    if training.load_best_model_at_end:
        yield "training.load_best_model_at_end", "can't load into a model that model.distributed_config has cut."


def _liger(recipe: Recipe) -> Iterator[Complaint]:
    """The trainer computes the loss from the logits itself: one number a row, without a second copy of them."""
    for name in ("cross_entropy", "fused_linear_cross_entropy"):
        if (recipe.training.liger_kernel_config or {}).get(name):
            yield (
                f"training.liger_kernel_config.{name}",
                "can't take effect: the trainer computes the loss of each row itself.",
            )
