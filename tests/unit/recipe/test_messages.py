from __future__ import annotations

from typing import get_args

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Recipe
from hf_efficient.recipe.task import TaskType


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "early_stopping:\n  patince_epochs: 1\n  patience_epochs: 1\n",
            "a.yaml:6: early_stopping.patince_epochs is not a setting. Did you mean early_stopping.patience_epochs?",
        ),
        (
            "training:\n  seed: 1\n  weight_decay: abc\n",
            "a.yaml:7: training.weight_decay must be a number of at least 0, found the word abc.",
        ),
        (
            "training:\n  seed: true\n",
            "a.yaml:6: training.seed must be a whole number of at least 0 and below 4294967296, found true.",
        ),
        (
            'training:\n  learning_rate: "3e-4"\n',
            'a.yaml:6: training.learning_rate must be a number of at least 0, found the text "3e-4" in quotes; '
            "take the quotes away.",
        ),
        (
            "training:\n  eval_strategy: epochs\n",
            "a.yaml:6: training.eval_strategy must be one of no, steps, epoch, found the word epochs. "
            "Did you mean epoch?",
        ),
        (
            "training:\n  optim: adamw\n",
            "a.yaml:6: training.optim must be one of 41 words that `hf-efficient schema` lists, found the word adamw. "
            "Did you mean adamw_torch?",
        ),
        (
            "training:\n  use_cpu: no\n",
            "a.yaml:6: training.use_cpu must be true or false, found the word no.",
        ),
        (
            "training:\n  report_to: [wandb, tensorbord]\n",
            "a.yaml:6: training.report_to must be one of 16 words that `hf-efficient schema` lists or a list of such "
            "words or null, found the list ['wandb', 'tensorbord']. Did you mean tensorboard?",
        ),
        (
            "training:\n  learning_rate: [1e-3]\n",
            "a.yaml:6: training.learning_rate must be a number of at least 0, found the list [0.001].",
        ),
        (
            "training:\n  seed: {a: 1}\n",
            "a.yaml:6: training.seed must be a whole number of at least 0 and below 4294967296, "
            "found the mapping {'a': 1}.",
        ),
        (
            "training:\n  per_device_train_batch_size: aut\n",
            "a.yaml:6: training.per_device_train_batch_size must be a whole number of at least 1 or auto, "
            "found the word aut. Did you mean auto?",
        ),
        (
            "training:\n  eval_steps: 0\n",
            "a.yaml:6: training.eval_steps must be a number above 0 or null, found the number 0.",
        ),
        (
            "training: 3\n",
            "a.yaml:5: training must be a mapping of settings, found the number 3.",
        ),
        (
            "early_stopping:\n",
            "a.yaml:5: early_stopping has no settings; write some, or take the line out.",
        ),
        (
            "early_stopping: {}\n",
            "a.yaml:5: early_stopping can't be used: give exactly one of patience_evaluations and patience_epochs.",
        ),
        (
            "hub: {private: true}\n",
            "a.yaml:5: hub.repo_id is missing. "
            "Repository to push to, `user/name`; it is created if it does not exist.",
        ),
        (
            "hub: {repo_id: a/b/c}\n",
            'a.yaml:5: hub.repo_id must be text such as user/name, found the text "a/b/c".',
        ),
        (
            "task:\n  labels: []\n  metrics: []\n",
            "a.yaml:7: task.metrics must be a list of words that is not empty or null, found the list [].",
        ),
        (
            "task:\n  class_weights: {a: x}\n",
            "a.yaml:6: task.class_weights must be balanced or a mapping or null, found the mapping {'a': 'x'}.",
        ),
        (
            "task:\n  labels: [a, b, a]\n",
            "a.yaml:6: task.labels names a twice.",
        ),
        (
            "task:\n  metrics: [f1, f1]\n",
            "a.yaml:6: task.metrics names f1 twice.",
        ),
        (
            "task:\n  labels: [cat, dog]\n  class_weights: {cat: 1, dgo: 2}\n",
            "a.yaml:7: task.class_weights.dgo is not one of task.labels. Did you mean dog?",
        ),
        (
            "task:\n  class_weights: {cat: -1}\n",
            "a.yaml:6: task.class_weights must be balanced or a mapping or null, found the mapping {'cat': -1}.",
        ),
        (
            "task: text-clasification\n",
            f"a.yaml:5: task.type must be one of {', '.join(get_args(TaskType))}, "
            'found the text "text-clasification". Did you mean text-classification?',
        ),
        (
            "learning_rate: 3e-4\n",
            "a.yaml:5: learning_rate is not a setting. Did you mean training.learning_rate?",
        ),
        ("name: x\n", "a.yaml:5: name is not a setting. Did you mean model.name or data.name?"),
        ("lr: 1\n", "a.yaml:5: lr is not a setting. Did you mean training.learning_rate?"),
        (
            "batch_size: 1\n",
            "a.yaml:5: batch_size is not a setting. Did you mean training.per_device_train_batch_size?",
        ),
        ("epochs: 1\n", "a.yaml:5: epochs is not a setting. Did you mean training.num_train_epochs?"),
        ("model_name_or_path: x\n", "a.yaml:5: model_name_or_path is not a setting. Did you mean model.name?"),
        ("dataset_name: x\n", "a.yaml:5: dataset_name is not a setting. Did you mean data.name?"),
        ("train_file: x\n", "a.yaml:5: train_file is not a setting. Did you mean data.train?"),
        ("text_column_name: x\n", "a.yaml:5: text_column_name is not a setting. Did you mean data.columns.text?"),
        (
            "training:\n  truncaton: true\n",
            "a.yaml:6: training.truncaton is not a setting. Did you mean data.truncation?",
        ),
        (
            "zzz: 1\n",
            "a.yaml:5: zzz is not a setting. "
            "A recipe takes task, model, data, training, batching, augment, prune, curriculum, freeze, peft, "
            "distill, active, early_stopping, hub.",
        ),
        (
            "hub:\n  repo_id: a/b\n  qqq: 1\n",
            "a.yaml:7: hub.qqq is not a setting. hub takes repo_id, private, revision.",
        ),
        (
            "training:\n  push_to_hub: true\n",
            "a.yaml:6: training.push_to_hub belongs to the hub: section; "
            "write hub.repo_id to push the finished model.",
        ),
        (
            "training:\n  hub_token: hf_x\n",
            "a.yaml:6: training.hub_token belongs to the environment or the Hub's own store; "
            "set HF_TOKEN or run `hf auth login`.",
        ),
        (
            "training:\n  bf16: true\n",
            "a.yaml:6: training.bf16 belongs to training.precision; "
            "write auto, fp32, bf16, fp16 or tf32 there.",
        ),
        (
            "training:\n  evaluation_strategy: epoch\n",
            "a.yaml:6: training.evaluation_strategy is no argument of transformers any more: "
            "write training.eval_strategy.",
        ),
        (
            "training:\n  warmup_ratio: 0.1\n",
            "a.yaml:6: training.warmup_ratio is no argument of transformers any more: "
            "write training.warmup_steps with a value below 1.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(complaint, text, message):
    assert complaint(text) == message


def test_a_wrong_override_names_the_command_line(complaint):
    assert complaint("", "training.lr=1") == (
        "command line: training.lr is not a setting. Did you mean training.learning_rate?"
    )


def test_a_missing_section_is_named(write):
    with pytest.raises(RecipeError) as caught:
        Recipe.load(write("training: {seed: 1}\n"))
    assert str(caught.value) == "a.yaml: model is missing. Which weights and which tokenizer."


def test_everything_wrong_is_shown_a_line_each(complaint):
    text = "training:\n  seed: x\n  optim: y\ntraning:\n  z: 1\n"
    assert [line.split(" ")[:2] for line in complaint(text, "data.limit=0").splitlines()] == [
        ["command", "line:"],
        ["a.yaml:7:", "training.optim"],
        ["a.yaml:6:", "training.seed"],
        ["a.yaml:8:", "traning"],
    ]


def test_a_long_value_is_cut(complaint):
    message = complaint("", f"training.seed={'x' * 500}")
    assert message.endswith(f"found the word {'x' * 57}....")


def test_a_secret_is_not_repeated(complaint):
    assert "hf_secret" not in complaint("", "training.hub_token=hf_secret")
