from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Recipe
from hf_efficient.recipe.augment import IMAGE_AUGMENTERS
from hf_efficient.recipe.augment_texts import TEXT_AUGMENTERS, WORD_FOR_WORD
from hf_efficient.recipe.checks import NEEDS, dormant
from hf_efficient.recipe.problems import settings

AUGMENTERS = {
    **dict.fromkeys(TEXT_AUGMENTERS, "{}"),
    **dict.fromkeys(("contextual", "paraphrase"), "{model: m}"),
    "nlpaug": "{factory: 'm:f'}",
    "function": "{path: 'm:f'}",
}
TRANSLATION = {"backward": "m", "language": "en", "pivot_language": "de", "num_beams": 2, "temperature": 0.5}
STOPPING = "early_stopping={patience_evaluations: 2}"
STREAM = "data.streaming=true"
STEPS = ("training.eval_strategy=steps", "training.save_strategy=steps")


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        (["training.eval_steps=5"], "training.eval_steps", "set training.eval_strategy: steps"),
        (["active.budget=9", "task.type=token-classification", "active.seed_size=2"], "active", "only text-classif"),
        (["active={budget: 90}", STREAM, *STEPS, "training.max_steps=9"], "active", "a stream is read once"),
        (["active.labeller=file", "data.fraction=0.5"], "data.fraction", "a person labels any row"),
        (["active.labeller=file", "data.limit=5"], "data.limit", "a person labels any row"),
        (["active.budget=90", "data.label_noise=0.1"], "data.label_noise", "labels come from active.labeller"),
        (["active.warm_start=true", "active.fast=true"], "active.warm_start", "trained in no time anew"),
        (["active.members=5"], "active.members", "set active.strategy: bald"),
        (["active.neighbours=5"], "active.neighbours", "set active.strategy: contrastive"),
        (["active.balanced=true", "active.strategy=badge"], "active.balanced", "sets of rows that differ"),
        (["active.stability_rounds=2"], "active.stability_rounds", "set active.stability"),
        (["active.file=jsonl"], "active.file", "set active.labeller: file"),
        (["training.save_steps=500"], "training.save_steps", "set training.save_strategy: steps"),
        (["training.logging_steps=5", "training.logging_strategy=epoch"], "training.logging_steps", "logging_strategy"),
        (["training.eval_delay=1", "training.eval_strategy=no"], "training.eval_delay", "set training.eval_strategy"),
        (["training.save_total_limit=1", "training.save_strategy=no"], "training.save_total_limit", "save_strategy"),
        (["training.save_only_model=true", "training.save_strategy=no"], "training.save_only_model", "save_strategy"),
        (["training.save_on_each_node=true", "training.save_strategy=no"], "training.save_on_each_node", "save_str"),
        (["training.max_steps=5", "training.num_train_epochs=3"], "training.num_train_epochs", "give one"),
        (["training.greater_is_better=true"], "training.greater_is_better", "set training.metric_for_best_model"),
        (["training.dataloader_prefetch_factor=2"], "training.dataloader_prefetch_factor", "num_workers above 0"),
        (["training.dataloader_persistent_workers=true"], "training.dataloader_persistent_workers", "num_workers"),
        (["training.dataloader_multiprocessing_context=fork"], "training.dataloader_multiprocessing_context", "num_w"),
        (["training.activation_checkpointing_kwargs={a: 1}"], "training.activation_checkpointing_kwargs", "true"),
        (["training.liger_kernel_config={rope: true}"], "training.liger_kernel_config", "use_liger_kernel: true"),
        (["training.fsdp_config={a: 1}"], "training.fsdp_config", "set training.fsdp"),
        (["training.optim_target_modules=[a]"], "training.optim_target_modules", "GaLore or APOLLO"),
        (["training.optim=sgd", "training.adam_beta1=0.8"], "training.adam_beta1", "to an Adam"),
        (["training.optim=adafactor", "training.adam_beta2=0.8"], "training.adam_beta2", "to an Adam"),
        (["training.optim=rmsprop", "training.adam_epsilon=1e-6"], "training.adam_epsilon", "to an Adam"),
        (["training.lr_scheduler_type=constant", "training.warmup_steps=9"], "training.warmup_steps", "has no"),
        (["training.lr_scheduler_type=one_cycle", "training.warmup_steps=9"], "training.warmup_steps", "has no"),
        (["training.lr_scheduler_kwargs={a: 1}"], "training.lr_scheduler_kwargs", "takes none"),
        (["training.allow_slow=true"], "training.allow_slow", "set training.precision: bf16"),
        (["task.problem=regression", "training.label_smoothing_factor=.1"], "training.label_smoothing_factor", "only"),
        (["task.problem=multi_label", "training.label_smoothing_factor=.1"], "training.label_smoothing_factor", "only"),
        (["training.run_name=x"], "training.run_name", "set training.report_to"),
        (["training.project=x", "training.report_to=wandb"], "training.project", "report_to: trackio"),
        (["training.trackio_space_id=x"], "training.trackio_space_id", "report_to: trackio"),
        (["training.trackio_bucket_id=x"], "training.trackio_bucket_id", "report_to: trackio"),
        (["training.trackio_static_space_id=x"], "training.trackio_static_space_id", "report_to: trackio"),
        (["task.class_weights=balanced", "task.problem=regression"], "task.class_weights", "no classes"),
        (["task.labels=[a]", "task.problem=regression"], "task.labels", "no classes"),
        (["task.threshold=0.3", "task.problem=single_label"], "task.threshold", "multi_label"),
        (["data.columns.image=photo"], "data.columns.image", "set task.type: image-classification"),
        (["data.image_size=32"], "data.image_size", "set task.type: image-classification"),
        *(
            (["task.type=image-classification", f"{path}={value}"], path, "images have no text")
            for path, value in {
                "data.columns.text": "a",
                "data.columns.text_pair": "a",
                "data.max_length": "9",
                "data.truncation": "true",
                "model.tokenizer": "a",
                "model.pad_token": "a",
            }.items()
        ),
        (["task.prefix=a"], "task.prefix", "set task.type: text2text-generation"),
        (["data.columns.target=a"], "data.columns.target", "set task.type: text2text-generation"),
        (["data.max_target_length=9"], "data.max_target_length", "set task.type: text2text-generation"),
        (["task.generation={num_beams: 2}"], "task.generation", "writes texts"),
        (["data.columns.prompt=a"], "data.columns.prompt", "set task.type: text-generation"),
        (["data.columns.completion=a"], "data.columns.completion", "set task.type: text-generation"),
        (["data.columns.messages=a"], "data.columns.messages", "set task.type: text-generation"),
        (["data.packing=true"], "data.packing", "set task.type: text-generation"),
        (["task.type=text-generation", "data.columns.weight=a"], "data.columns.weight", "counts every token alike"),
        *(
            (["task.type=text2text-generation", f"{path}={value}"], path, "has no labels")
            for path, value in {
                "task.problem": "regression",
                "task.labels": "[a]",
                "task.class_weights": "balanced",
                "task.threshold": "0.3",
                "data.columns.label": "a",
                "data.columns.text_pair": "a",
            }.items()
        ),
        (["data.columns.tokens=words"], "data.columns.tokens", "set task.type: token-classification"),
        *(
            (["task.type=token-classification", f"{path}={value}"], path, "each of data.columns.tokens one label")
            for path, value in {
                "data.columns.text": "a",
                "data.columns.text_pair": "a",
                "task.problem": "single_label",
                "task.threshold": "0.3",
            }.items()
        ),
        (["data.validation=v", "data.validation_size=0.2"], "data.validation_size", "data.validation names the rows"),
        (
            ["batching={padding: tokens, max_tokens: 64}", "training.per_device_train_batch_size=8"],
            "training.per_device_train_batch_size",
            "batching.max_tokens decides",
        ),
        (
            ["batching={padding: tokens, max_tokens: 64}", "training.effective_batch_size=8"],
            "training.effective_batch_size",
            "batching.max_tokens decides",
        ),
        (
            ["training.effective_batch_size=8", "training.gradient_accumulation_steps=2"],
            "training.gradient_accumulation_steps",
            "training.effective_batch_size decides",
        ),
        (
            ["model.distributed_config={fsdp_size: 2}", "model.initialization=random", "training.save_strategy=no"],
            "model.distributed_config",
            "initialization: pretrained",
        ),
        (["task.problem=regression", "data.label_noise=0.2"], "data.label_noise", "only rows of one class each"),
        (["data.shuffle_buffer=9"], "data.shuffle_buffer", "set data.streaming: true"),
        *(
            ([STREAM, "training.max_steps=9", f"{path}={value}"], path, words)
            for path, value, words in (
                ("data.validation_size", "0.2", "name those to score in data.validation"),
                ("data.fraction", "0.5", "set training.max_steps"),
                ("data.limit", "9", "set that"),
                ("data.seed", "9", "training.seed draws"),
                ("data.label_noise", "0.2", "a stream is read as it is"),
                ("task.class_weights", "balanced", "a weight in data.columns.weight"),
                ("training.dataloader_drop_last", "true", "each batch of a stream is whole"),
            )
        ),
        (
            [STREAM, "training.max_steps=9", "task.type=text-generation", "data.packing=true"],
            "data.packing",
            "only when all are read",
        ),
        (
            [STREAM, "training.max_steps=9", "batching={padding: tokens, max_tokens: 64}"],
            "batching.max_tokens",
            "write batching.padding: auto",
        ),
        (
            [STREAM, "training.max_steps=9", "freeze={layers: 1, unfreeze: {every_epochs: 1}}"],
            "freeze.unfreeze.every_epochs",
            "write every_steps",
        ),
        (
            ["peft={method: lora}", "freeze={layers: 1, unfreeze: {every_steps: 9}}"],
            "freeze.unfreeze",
            "peft leaves the model's own weights as they are",
        ),
        (["data.revision=v1"], "data.revision", "are pinned"),
        (["freeze={layers: 1, cache: false, cache_max_gb: 2}"], "freeze.cache_max_gb", "take freeze.cache: false out"),
        (["data.unlabelled=a.csv"], "data.unlabelled", "only a teacher can answer such rows"),
        (["data.unlabelled=a.csv", "distill={teacher: t, weight: 0}"], "data.unlabelled", "only a teacher can answer"),
        *(
            ([*others, "data.unlabelled=a.csv", "distill={teacher: t}"], "data.unlabelled", reason)
            for *others, reason in (
                ("task.type=text2text-generation", "has no labels"),
                (STREAM, "training.max_steps=9", "a stream reads one source"),
            )
        ),
        (["distill={teacher: t, top_k: 8}"], "distill.top_k", "with a vocabulary"),
        *(
            (["task.type=text-generation", f"distill={{{words}, top_k: 8}}"], "distill.top_k", reason)
            for words, reason in {
                "teacher: t, divergence: squared_error": "takes all logits",
                "teacher: [t, u]": "can't be averaged",
            }.items()
        ),
        (["distill={teacher: t, beta: 0.3}"], "distill.beta", "jensen_shannon"),
        (["distill={teacher: t, divergence: squared_error, temperature: 3}"], "distill.temperature", "has none"),
        (["distill={teacher: t, teacher_weights: [1]}"], "distill.teacher_weights", "list of several"),
        *(
            (["model.quantization=nf4", "peft={method: lora}", other], "model.quantization", reason)
            for other, reason in {
                "model.initialization=random": "random weights have nothing to lose",
                "distill={teacher: demo/tiny-bert, student: {from_teacher: {layers: 1}}}": "cut from whole weights",
                "training.torch_compile=true": "can't be compiled",
            }.items()
        ),
        (
            ["model.distributed_config={fsdp_size: 2}", "peft={method: lora}", "training.save_strategy=no"],
            "model.distributed_config",
            "peft needs the whole model",
        ),
        (["peft={method: lora}", "freeze={train_only: [bias]}"], "freeze.train_only", "the adapter and the head alone"),
        (["peft={method: p_tuning}", "training.layerwise_lr_decay=0.5"], "training.layerwise_lr_decay", "to no layer"),
        *(
            (["peft={method: p_tuning}", f"distill={{teacher: t, {name}: {{}}}}"], f"distill.{name}", "virtual tokens")
            for name in ("hidden", "attention", "relations")
        ),
        *(
            ([f"augment.{name}={words}", f"task.type={task}"], f"augment.{name}", reason)
            for name, words in AUGMENTERS.items()
            for task, reason in {
                "image-classification": "it changes texts, and the task reads images",
                "text-generation": "learns each word that it reads",
                **({} if name in WORD_FOR_WORD else {"token-classification": "which only synonym, spelling, keyboard"}),
            }.items()
        ),
        (["augment.random_swap.share=0.1", STREAM, "training.max_steps=1"], "augment", "a stream is read as it goes"),
        (["augment={random_swap: {}, below_class_size: 9, copies: 2}"], "augment.copies", "how many views are made"),
        (["augment={back_translation: {}, copies: 2}"], "augment.copies", "all views of a row are the same"),
        *(
            (["augment={random_swap: {}, below_class_size: 9}", words], "augment.below_class_size", "one label each")
            for words in ("task.problem=regression", "task.type=text2text-generation", "data.columns.label=[a, b]")
        ),
        (
            ["augment={random_swap: {}, below_class_size: 9}", "task.class_weights=balanced"],
            "augment.below_class_size",
            "makes up for small classes already",
        ),
        *(
            ([f"augment.back_translation.{name}={value}"], f"augment.back_translation.{name}", "has no such setting")
            for name, value in TRANSLATION.items()
        ),
        *(
            (
                ["task.type=image-classification", f"augment.{name}.alpha=1", "curriculum.by=loss"],
                f"augment.{name}",
                "those too that the curriculum holds back",
            )
            for name in ("mixup", "cutmix")
        ),
        *(
            ([f"augment.{name}={{}}"], f"augment.{name}", "it changes images, and the task reads text")
            for name in IMAGE_AUGMENTERS
        ),
        *(
            ([*others, f"{name}={{{words}}}"], name, reason)
            for name, words in {"curriculum": "by: length", "prune": "by: length, keep: 0.5"}.items()
            for others, reason in (
                ([STREAM, "training.max_steps=9"], "the rows of a stream can't be ranked"),
                (["task.type=text-generation", "data.packing=true"], "rows share sequences"),
            )
        ),
        (
            ["batching={padding: tokens, max_tokens: 64}", "curriculum={by: length}"],
            "curriculum",
            "sorts all rows of an epoch by length; write bucketed",
        ),
        *(
            (["task.problem=regression", f"augment={{{words}}}", *more], path, "only texts of one class each")
            for path, words, *more in (
                ("augment.keep_label", "random_swap: {}, keep_label: {teacher: t}"),
                ("augment.consistency", "random_swap: {}, consistency: {}", "data.unlabelled=a.csv"),
            )
        ),
        (["augment={random_swap: {}, consistency: {}}"], "augment.consistency", "name rows in data.unlabelled"),
        (["model.revision=v1"], "model.revision", "are pinned"),
        (["model.quantization=nf4"], "model.quantization", "train an adapter"),
        (["data.name=", "data.train=a.csv", "data.config=sst2"], "data.config", "set data.name"),
    ],
)  # fmt: skip
def test_a_setting_that_can_not_take_effect_is_refused(complaint, overrides, path, words):
    message = complaint("", *overrides)
    assert message.startswith(f"command line: {path} can't take effect: ")
    assert words in message
    assert "\n" not in message


def test_every_need_is_of_a_setting_and_is_tested():
    known = {".".join(path) for path, _ in settings(Recipe)}
    (mark,) = test_a_setting_that_can_not_take_effect_is_refused.pytestmark
    cases = [(path, words) for _, path, words in mark.args[1]]
    assert {need.path for need in NEEDS} <= known
    tested = [need for need in NEEDS if any(need.path == path and words in need.remedy for path, words in cases)]
    assert tested == list(NEEDS)


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.eval_strategy=steps", "training.eval_steps=5"],
        ["training.save_strategy=steps", "training.save_steps=5"],
        ["training.logging_strategy=epoch", "training.eval_strategy=steps", "training.logging_steps=5"],
        ["training.eval_strategy=no", "training.eval_delay=0"],
        ["training.max_steps=5"],
        ["training.max_steps=-1", "training.num_train_epochs=3"],
        ["training.metric_for_best_model=loss", "training.greater_is_better=false"],
        ["training.dataloader_num_workers=1", "training.dataloader_prefetch_factor=2"],
        ["training.optim=galore_adamw", "training.optim_target_modules=[a]"],
        ["training.optim=lion_32bit", "training.adam_beta1=0.8"],
        ["training.lr_scheduler_type=constant", "training.warmup_steps=0"],
        ["training.lr_scheduler_type=step", "training.lr_scheduler_kwargs={gamma: 0.5}", "training.warmup_steps=5"],
        ["training.precision=bf16", "training.allow_slow=true"],
        ["training.report_to=[wandb, trackio]", "training.project=x", "training.run_name=y"],
        ["training.report_to=all", "training.trackio_space_id=x"],
        ["task.class_weights=balanced", "training.label_smoothing_factor=0.1"],
        ["task.problem=multi_label", "task.threshold=0.3"],
        ["model.name=bert-base-uncased", "model.revision=main", "data.name=glue", "data.revision=main"],
        [STOPPING, "training.metric_for_best_model=loss"],
        ["training.load_best_model_at_end=true"],
        ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=20", "training.eval_steps=10"],
        ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=20"],
        ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=0.3", "training.eval_steps=0.1"],
        ["training.save_strategy=best", "training.metric_for_best_model=accuracy"],
        ["training.use_cpu=true", "training.precision=bf16"],
    ],
)
def test_settings_that_belong_together_are_taken(load, overrides):
    given = {override.partition("=")[0] for override in overrides}
    assert given & {path for path, source in load("", *overrides).sources.items() if str(source) == "command line"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model.distributed_config.fsdp_size=2"],
            "model.distributed_config can't resume, its optimizer is not saved: set training.save_strategy: no.",
        ),
        (
            [
                "model.distributed_config.fsdp_size=2",
                "training.save_only_model=true",
                "training.load_best_model_at_end=true",
            ],
            "training.load_best_model_at_end can't load into a model that model.distributed_config has cut.",
        ),
        (
            ["model.distributed_config.dp_replicate_size=2", "training.save_strategy=no"],
            "model.distributed_config.dp_replicate_size can't take effect: set model.distributed_config.fsdp_size.",
        ),
        (
            [STOPPING],
            "early_stopping needs a metric to watch: set training.metric_for_best_model, for instance to loss.",
        ),
        (
            [STOPPING, "training.metric_for_best_model=loss", "training.eval_strategy=no"],
            "early_stopping needs evaluations: set training.eval_strategy to epoch or steps.",
        ),
        (
            ["training.lr_scheduler_type=reduce_lr_on_plateau", "training.eval_strategy=no"],
            "training.lr_scheduler_type needs evaluations: set training.eval_strategy to epoch or steps.",
        ),
        (
            ["training.load_best_model_at_end=true", "training.eval_strategy=no"],
            "training.load_best_model_at_end needs evaluations: set training.eval_strategy to epoch or steps.",
        ),
        (
            ["data.validation_size=0"],
            "data.validation_size is 0, so that no rows are held out to be scored: set training.eval_strategy: no.",
        ),
        (
            ["data.validation_size=0", "training.eval_strategy=no", "active={}"],
            "data.validation_size is 0, and a simulation scores the model of each round: take it out.",
        ),
        (
            ["training.save_strategy=best"],
            "training.save_strategy needs a metric to watch: set training.metric_for_best_model, for instance to loss.",
        ),
        (
            ["training.load_best_model_at_end=true", "training.save_strategy=steps"],
            "training.load_best_model_at_end needs a checkpoint at each evaluation, "
            "found eval_strategy epoch and save_strategy steps; make them equal.",
        ),
        (
            ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=15", "training.eval_steps=10"],
            "training.load_best_model_at_end needs training.save_steps to be a multiple of training.eval_steps.",
        ),
        (
            ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=5", "training.eval_steps=10"],
            "training.load_best_model_at_end needs training.save_steps to be a multiple of training.eval_steps.",
        ),
        (
            ["training.load_best_model_at_end=true", *STEPS, "training.save_steps=10", "training.eval_steps=0.5"],
            "training.load_best_model_at_end needs training.save_steps to be a multiple of training.eval_steps.",
        ),
        (
            ["training.lr_scheduler_type=cosine", "training.lr_scheduler_kwargs={num_cycle: 1}"],
            "training.lr_scheduler_kwargs.num_cycle is no setting of cosine, which takes num_cycles. "
            "Did you mean num_cycles?",
        ),
        (
            ["training.lr_scheduler_type=cosine_with_min_lr"],
            "training.lr_scheduler_type cosine_with_min_lr needs a setting: "
            "write min_lr or min_lr_rate under training.lr_scheduler_kwargs.",
        ),
        (
            [STREAM],
            "data.streaming needs training.max_steps, since a stream has no known length: set it to at least 1.",
        ),
        (
            [STREAM, "training.max_steps=9", "task.type=image-classification"],
            "data.streaming does not stream images, which are read when their batch comes anyway; take it out.",
        ),
        *(
            (
                [STREAM, "training.max_steps=9", f"training.{name}=epoch"],
                f"training.{name} can't be epoch, since a stream has no known length: write steps.",
            )
            for name in ("eval_strategy", "save_strategy", "logging_strategy")
        ),
        (
            [
                *(STREAM, "training.max_steps=9", "training.metric_for_best_model=loss"),
                "early_stopping={patience_epochs: 2}",
            ],
            "early_stopping.patience_epochs needs epochs, which a stream has not: write patience_evaluations.",
        ),
        (
            ["training.max_steps=0"],
            "training.max_steps must be at least 1, or -1 to count in epochs, found the number 0.",
        ),
        (
            ["training.warmup_steps=1.5"],
            "training.warmup_steps must be a whole number, or a share below 1 of all steps, found the number 1.5.",
        ),
        (
            ["training.use_cpu=true", "training.precision=fp16"],
            "training.precision fp16 does not exist on a CPU, and training.use_cpu is set; write auto.",
        ),
        (
            ["training.use_liger_kernel=true", "training.liger_kernel_config={fused_linear_cross_entropy: true}"],
            "training.liger_kernel_config.fused_linear_cross_entropy can't take effect: "
            "the trainer computes the loss of each row itself.",
        ),
        (
            ["data.columns={text: a, label: a}"],
            "data.columns.label names the column a, which is data.columns.text already.",
        ),
        (
            ["data.columns={text: a, label: [b, a]}"],
            "data.columns.label names the column a, which is data.columns.text already.",
        ),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(complaint, overrides, message):
    assert complaint("", *overrides) == f"command line: {message}"


def test_a_stream_is_scored_and_saved_at_each_tenth_unless_it_says_otherwise(load):
    def strategies(*overrides):
        training = load("", STREAM, "training.max_steps=90", *overrides).training
        return training.eval_strategy, training.eval_steps, training.save_strategy, training.save_steps

    assert strategies() == ("steps", 0.1, "steps", 0.1)
    assert strategies("training.eval_steps=9") == ("steps", 9, "steps", 0.1)
    assert strategies("training.eval_strategy=no") == ("no", None, "steps", 0.1)
    assert load().training.eval_strategy == "epoch"
    recipe = load("", STREAM, "training.max_steps=90")
    assert str(recipe.sources["training.eval_steps"]) == "default"
    assert recipe.replace(["data.streaming=false"]).training.eval_strategy == "epoch"


def test_what_can_not_take_effect_by_itself_is_dormant(load):
    assert ("training", "save_steps") in dormant(load())
    assert ("training", "save_steps") not in dormant(load("", "training.save_strategy=steps"))
    assert ("training", "num_train_epochs") not in dormant(load())


def test_a_complaint_about_the_file_names_its_line(complaint):
    assert complaint("training:\n  eval_steps: 5\n").startswith("a.yaml:6: training.eval_steps can't take effect")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("active.seed_size=501", "active.seed_size is 501, more than the 500 labels of active.budget."),
        ("active={labeller: file, seed_set: stratified}", "active.seed_set stratified needs the labels that are yet"),
        ("active.labeller=wed", "found wed. Did you mean web?"),
    ],
)
def test_active_learning_that_can_t_be_meant_is_refused(override, message):
    with pytest.raises(RecipeError, match=message):
        Recipe.load("smoke", [override])


@pytest.mark.parametrize("others", ["prune={by: length, keep: 0.5}", "batching={padding: tokens, max_tokens: 64}"])
def test_steps_of_unknown_epochs_are_refused_beside_views_that_are_made_for_each(load, complaint, others):
    given = ("augment.random_swap.share=0.1", others)
    message = complaint("", *given, "training.max_steps=9")
    assert message.startswith("command line: training.max_steps does not say for how many epochs to make views, for ")
    for allowed in (("training.num_train_epochs=3",), ("training.max_steps=9", "augment.views=fixed")):
        load("", *given, *allowed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("forward: m", "forward translates one way: name the model of the way back in augment.back_translation.back"),
        ("forward: m, language: en", "language needs the other language, too: set augment.back_translation.pivot_lang"),
        ("forward: m, backward: n, pivot_language: de", "pivot_language needs the other language, too: set augment."),
    ],
)
def test_a_translation_that_does_not_come_back_is_refused(complaint, words, said):
    message = complaint("", f"augment={{back_translation: {{{words}}}}}")
    assert message.startswith(f"command line: augment.back_translation.{said}")


@pytest.mark.parametrize("words", ["forward: m, backward: n", "forward: m, language: en, pivot_language: de"])
def test_a_translation_that_comes_back_is_taken(load, words):
    assert load("", f"augment={{back_translation: {{{words}}}}}").augment.back_translation.forward == "m"
