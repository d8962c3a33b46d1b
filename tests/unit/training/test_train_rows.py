"""Training rows that are made for each epoch."""

from __future__ import annotations

import pytest

from hf_efficient.models.processes import on_main_process
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.batch_fit import divide_steps
from hf_efficient.training.build import build
from hf_efficient.training.run import make_trainer
from hf_efficient.training.run_directory import RunDirectory, open_run
from tests.runs import smoke


@pytest.mark.parametrize(
    ("settings", "num_epochs"),
    [
        # A step of 95 rows and one of a single row.
        ({"training.per_device_train_batch_size": 95, "training.max_steps": 6}, 3),
        (
            {"training.per_device_train_batch_size": 95, "training.max_steps": 6, "batching.padding": "bucketed"},
            3,
        ),
        (
            {
                "training.per_device_train_batch_size": 50,
                "training.max_steps": 6,
                "training.dataloader_drop_last": True,
            },
            6,
        ),
        ({"training.effective_batch_size": 48, "training.max_steps": 4}, 2),
    ],
)
def test_views_are_made_for_each_epoch_that_the_trainer_begins(settings, num_epochs, tmp_path):
    recipe = smoke(tmp_path, {"augment.random_swap": {}, **settings})  # 96 rows with the views
    directory = RunDirectory.of(recipe)
    args, _, scheduler = training_arguments(recipe, directory)
    on_main_process(lambda: open_run(directory, recipe))
    plan = divide_steps(recipe, build(recipe, args, scheduler), directory)
    trainer = make_trainer(plan, directory)
    assert trainer.set_initial_training_values(plan.args, trainer.get_train_dataloader())[0] == num_epochs
    assert len(plan.train_dataset) == num_epochs * 96
