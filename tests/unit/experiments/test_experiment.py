"""The words of an experiment: its runs, what one arm takes from another, and errors before the first run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.experiments import load_experiment
from hf_efficient.recipe.augment import IMAGE_AUGMENTERS
from hf_efficient.recipe.augment_texts import TEXT_AUGMENTERS

EXPERIMENTS = sorted((Path(__file__).parents[3] / "configs" / "experiments").glob("*.yaml"))
TWO_ARMS = """
recipe: smoke
seeds: [3, 5]
settings: {training.num_train_epochs: 2}
arms:
  teacher: {}
  student:
    settings: {distill.teacher: "{teacher}", training.num_train_epochs: 4}
"""


def written(tmp_path, text):
    path = tmp_path / "two.yaml"
    path.write_text(text)
    return path


def test_every_arm_runs_with_every_seed(tmp_path):
    cells = list(load_experiment(written(tmp_path, TWO_ARMS)).cells())
    assert [(cell.arm, cell.seed) for cell in cells] == [("teacher", 3), ("student", 3), ("teacher", 5), ("student", 5)]
    assert [cell.load().training.seed for cell in cells] == [3, 3, 5, 5]
    assert [cell.load().training.num_train_epochs for cell in cells] == [2, 4, 2, 4]


def test_an_arm_takes_the_run_of_another_with_its_own_seed(tmp_path):
    cells = list(load_experiment(written(tmp_path, TWO_ARMS)).cells())
    assert cells[3].settings["distill.teacher"] == str(cells[2].directory) == "runs/two/teacher/seed-5"


def test_names_are_put_in_within_lists_and_mappings(tmp_path):
    text = TWO_ARMS.replace('distill.teacher: "{teacher}"', 'distill: {teacher: ["{teacher}", "{teacher}"]}')
    cell = list(load_experiment(written(tmp_path, text)).cells())[1]
    assert cell.load().distill.teachers == ("runs/two/teacher/seed-3",) * 2


def test_braces_of_a_regular_expression_name_no_arm(tmp_path):
    text = TWO_ARMS.replace("training.num_train_epochs: 2", "freeze.names: ['layer[.][0-9]{1,2}[.]']")
    cell = next(load_experiment(written(tmp_path, text)).cells())
    assert cell.load().freeze.names == ("layer[.][0-9]{1,2}[.]",)


def test_an_arm_may_have_a_recipe_of_its_own(tmp_path):
    text = TWO_ARMS.replace("teacher: {}", "teacher: {recipe: quickstart}")
    cells = list(load_experiment(written(tmp_path, text)).cells())
    assert cells[0].load().model.name == "demo/minilm-l6"
    assert cells[1].load().model.name == "demo/tiny-bert"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{teacher}", "{techer}", "names the run of 'techer', which is no arm above it; above it stand teacher. Did"),
        ("{teacher}", "{student}", "names the run of 'student', which is no arm above it"),
        ("training.num_train_epochs: 4", "training.epochs: 4", "arm student: overrides: training.epochs is not a"),
        ("settings: {training.num", "setting: {training.num", "two.yaml:4: setting is not a setting"),
        ("  student:", "  a/b:", "two.yaml:7: arms.a/b: expected a letter and then letters, digits"),
        ("[3, 5]", "[3, 3]", "two.yaml:3: seeds: expected different seeds, found 3, 3"),
        ("epochs: 2}", "epochs: 2, training.seed: 1}", "two.yaml:4: settings: training.seed follows from seeds"),
        ("training.num_train_epochs: 4", "training: {output_dir: a}", "training.output_dir follows from seeds"),
        ("recipe: smoke", "recipe: smok", "smok does not exist"),
        ("[3, 5]", "[]", "two.yaml:3: seeds"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_run(tmp_path, old, new, message):
    with pytest.raises(RecipeError, match="(?s)" + message.replace("(", r"\(")):
        load_experiment(written(tmp_path, TWO_ARMS.replace(old, new)))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_experiments_of_the_project_are_valid(path):
    assert list(load_experiment(path).cells())


CHEAP = {"synonym", "random_swap", "random_delete", "random_insert", "sentence_reorder", "spelling", "keyboard"}
KINDS = {*TEXT_AUGMENTERS, *IMAGE_AUGMENTERS}


@pytest.mark.parametrize("path", [path for path in EXPERIMENTS if "augment" in path.stem], ids=lambda path: path.stem)
def test_an_arm_turns_on_the_augmenters_of_its_name_alone(path):
    for cell in load_experiment(path).cells():
        augment, name = cell.load().augment, cell.arm.replace("-", "_")
        on = {*augment.text_augmenters, *augment.image_augmenters}
        assert augment.control is (name == "none"), cell.name
        if not augment.control:
            assert on == (CHEAP if name == "all" else {name} if name in KINDS else set(name.split("_"))), cell.name


CONDITIONS = (
    TWO_ARMS
    + """
control: teacher
conditions:
  few: {settings: {data.limit: 10, training.num_train_epochs: 7}}
  all: {}
"""
)


def test_every_arm_runs_under_every_condition(tmp_path):
    cells = list(load_experiment(written(tmp_path, CONDITIONS)).cells())
    assert [cell.condition for cell in cells] == ["few"] * 4 + ["all"] * 4
    assert [cell.load().data.limit for cell in cells] == [10] * 4 + [None] * 4
    assert cells[1].settings["distill.teacher"] == "runs/two/few/teacher/seed-3"
    assert cells[0].name == "few, teacher, seed 3"


def test_an_arm_s_settings_lie_above_those_of_a_condition(tmp_path):
    cells = list(load_experiment(written(tmp_path, CONDITIONS)).cells())
    assert [cell.load().training.num_train_epochs for cell in cells[:2]] == [7, 4]


def test_an_unknown_control_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"control: expected one of the arms, found 'techer'. Did you mean teacher\?"):
        load_experiment(written(tmp_path, TWO_ARMS + "control: techer\n"))


def test_a_setting_may_be_the_seed(tmp_path):
    cells = load_experiment(
        written(tmp_path, TWO_ARMS.replace("settings: {training", 'settings: {data.seed: "{seed}", training', 1))
    )
    assert [cell.load().data.seed for cell in cells.cells()] == [3, 3, 5, 5]
