from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import ModelSection, Recipe, Source, TrainingSection, problems
from hf_efficient.recipe.recipe import OPERATIONAL
from tests.unit.recipe.conftest import MINIMAL

MAPPING = {"model": {"name": "m"}, "data": {"name": "d"}}


def test_defaults_and_files_and_command_lines_take_precedence_in_this_order(load):
    text = "training:\n  seed: 1\n  learning_rate: 1e-4\n"
    recipe = load(text, "training.seed=2")
    assert (recipe.training.weight_decay, recipe.training.learning_rate, recipe.training.seed) == (0.0, 1e-4, 2)
    sources = {name: recipe.sources[f"training.{name}"] for name in ("weight_decay", "learning_rate", "seed")}
    assert sources == {
        "weight_decay": Source("default"),
        "learning_rate": Source("a.yaml", 7),
        "seed": Source("command line"),
    }


def test_a_place_begins_a_message(load):
    recipe = load("training:\n  seed: 1\n", "task.problem=regression").replace({"data.limit": 8})
    assert recipe.place("training.seed") == "a.yaml:6: training.seed"
    assert recipe.place("training") == "a.yaml:5: training"
    assert recipe.place("training.learning_rate") == "default: training.learning_rate"
    assert recipe.place("task.problem") == "command line: task.problem"
    assert recipe.place("data.limit") == "overrides: data.limit"
    assert Recipe.from_mapping(MAPPING).place("model.name") == "api: model.name"


def test_every_resolved_value_has_a_source(load):
    recipe = load("early_stopping:\n  patience_epochs: 1\n", "training.metric_for_best_model=loss")
    assert recipe.sources["early_stopping.patience_epochs"] == Source("a.yaml", 6)
    assert recipe.sources["early_stopping.threshold"] == Source("default")
    assert recipe.sources["hub"] == Source("default")
    assert recipe.sources["data.columns.text"] == Source("default")


def test_sources_within_mappings(load):
    recipe = load("task:\n  class_weights:\n    a: 1\n    b: 2\n", "task.class_weights.b=3", "model.config={x: {y: 1}}")
    assert recipe.task.class_weights == {"a": 1.0, "b": 3.0}
    assert recipe.sources["task.class_weights.a"] == Source("a.yaml", 7)
    assert recipe.sources["task.class_weights.b"] == Source("command line")
    assert recipe.sources["model.config.x.y"] == Source("command line")


def test_the_task_may_be_one_word(load):
    recipe = load("task: text-classification\n", "task.problem=single_label")
    assert recipe.task.type == "text-classification"
    assert recipe.sources["task.type"] == Source("a.yaml", 5)
    assert recipe.sources["task.problem"] == Source("command line")
    assert load("", "task=text-classification").sources["task.type"] == Source("command line")


def test_the_directory_of_a_run_is_named_after_the_recipe(load):
    assert load().training.output_dir == "runs/a"
    assert load().sources["training.output_dir"] == Source("default")
    assert load("", "training.output_dir=elsewhere").training.output_dir == "elsewhere"
    assert Recipe.from_mapping(MAPPING).training.output_dir == "runs/recipe"


def test_a_recipe_is_made_of_a_path_a_mapping_or_a_recipe(write):
    path = write(MINIMAL)
    for recipe in (path, Path(path), Recipe.load(path)):
        assert Recipe.of(recipe, {"training.seed": 3}) == Recipe.load(path, {"training.seed": 3})
    assert Recipe.of(MAPPING, ["training.seed=3"]) == Recipe.from_mapping(MAPPING, {"training.seed": 3})
    recipe = Recipe.load(path)
    assert Recipe.of(recipe) is recipe


def test_lists_and_whole_numbers_fit_their_fields(load):
    recipe = load(
        "task:\n  labels: [a, b]\n", "data.limit=1e3", "training.learning_rate=1", "training.warmup_steps=1e2"
    )
    assert recipe.task.labels == ("a", "b")
    assert (recipe.data.limit, type(recipe.data.limit)) == (1000, int)
    assert (recipe.training.learning_rate, type(recipe.training.learning_rate)) == (1.0, float)
    assert (recipe.training.warmup_steps, type(recipe.training.warmup_steps)) == (100, int)


def test_a_recipe_can_be_changed_only_by_replacing(load):
    recipe = load("training:\n  seed: 1\n")
    with pytest.raises(ValueError, match="frozen"):
        recipe.training = recipe.training
    other = recipe.replace({"training.learning_rate": 3e-4})
    assert (recipe.training.learning_rate, other.training.learning_rate) == (5e-5, 3e-4)
    assert other.sources["training.seed"] == Source("a.yaml", 6)
    assert other.training.output_dir == "runs/a"
    with pytest.raises(RecipeError, match=r"^overrides: training.seed must be a whole number"):
        recipe.replace({"training.seed": "x"})


def test_sources_take_no_part_in_equality(load):
    assert load("training:\n  seed: 42\n") == load("", "training.seed=42") == load()
    assert load() != load("", "training.seed=1")
    assert load() != "a recipe"
    assert len({load(), load("", "training.seed=42")}) == 1


def test_a_recipe_survives_pickling(load):
    recipe = load("training:\n  seed: 7\n")
    copy = pickle.loads(pickle.dumps(recipe))
    assert copy == recipe
    assert copy.place("training.seed") == "a.yaml:6: training.seed"


def test_a_dump_names_the_source_of_every_value(load):
    lines = load("training:\n  seed: 7\n", "task.labels=[no, 'a b']").dump().splitlines()
    assert "  name: demo/tiny-bert  # a.yaml:2" in lines
    assert "  seed: 7  # a.yaml:6" in lines
    assert "  adam_beta1: 0.9  # default" in lines
    assert '  labels: [no, "a b"]  # command line' in lines
    assert "early_stopping: null  # default" in lines
    assert all("  # " in line or line.endswith(":") for line in lines)


def test_a_dump_leaves_out_what_can_not_take_effect(load):
    recipe = load("", "training.max_steps=5")
    training = recipe.to_mapping()["training"]
    assert {"num_train_epochs", "save_steps", "allow_slow"}.isdisjoint(training)
    assert "max_steps" in training
    assert "num_train_epochs" in load().to_mapping()["training"]


def round_trip(recipe, write):
    again = Recipe.load(write(recipe.dump(), "dumped.yaml"))
    assert again == recipe
    assert again.digest() == recipe.digest()
    assert Recipe.from_mapping(recipe.to_mapping()) == recipe


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
value = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | text
)
trees = st.recursive(
    value, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(config=st.dictionaries(text, trees, max_size=4), name=text.filter(bool))
def test_any_dump_loads_back(write, config, name):
    labels = list(dict.fromkeys([name, "true", "1e3", ".nan"]))
    mapping = {"model": {"name": name, "config": config}, "task": {"labels": labels}}
    round_trip(Recipe.from_mapping(mapping), write)


@quick
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "training.learning_rate": st.floats(0, 1),
            "training.max_steps": st.integers(1, 10**6),
            "training.eval_strategy": st.sampled_from(["no", "epoch", "steps"]),
            "training.save_strategy": st.sampled_from(["no", "epoch", "steps"]),
            "training.logging_strategy": st.sampled_from(["no", "epoch", "steps"]),
            "training.optim": st.sampled_from(["sgd", "adamw_torch", "adafactor"]),
            "training.lr_scheduler_type": st.sampled_from(["constant", "linear", "cosine", "step", "one_cycle"]),
            "task.problem": st.sampled_from(["auto", "single_label", "multi_label", "regression"]),
            "data.validation": text.filter(bool),
            "hub.repo_id": st.sampled_from(["user/name", "name"]),
        },
    )
)
def test_any_combination_of_settings_loads_back(write, overrides):
    round_trip(Recipe.from_mapping(MAPPING, overrides), write)


@quick
@given(
    st.integers(0, 2**32 - 1), st.floats(0, 1), text.filter(bool), st.lists(text, min_size=1, max_size=3, unique=True)
)
def test_an_override_equals_the_same_words_in_the_file(write, seed, rate, name, labels):
    settings = {"training.seed": seed, "training.learning_rate": rate, "data.name": name, "task.labels": labels}
    base = Recipe.from_mapping({"model": {"name": "m"}, "data": {"name": "d"}})
    dumped = base.replace(settings).dump()
    words = {path: words_of(dumped, path.partition(".")[2]) for path in settings}
    by_file = Recipe.load(write(dumped))
    by_command_line = Recipe.load(write(base.dump()), [f"{path}={word}" for path, word in words.items()])
    assert by_file == by_command_line == base.replace(settings)


def words_of(dumped, key):
    """What stands between the key and the comment, in the only line of that key that was overridden."""
    [line] = [line for line in dumped.splitlines() if line.startswith(f"  {key}: ") and line.endswith("  # overrides")]
    return line.removeprefix(f"  {key}: ").removesuffix("  # overrides")


def test_the_digest_is_of_what_decides_the_result(load):
    recipe = load()
    assert recipe.digest() == load("", "training.output_dir=x", "training.report_to=wandb", "hub.repo_id=a/b").digest()
    assert recipe.digest() != load("", "training.seed=1").digest()
    assert recipe.digest() == load("", "training.warmup_steps=0.0", "data.fraction=1").digest()


def test_the_digest_does_not_depend_on_the_order_of_the_words():
    one = Recipe.from_mapping({"model": {"name": "m", "config": {"a": 1, "b": 2}}, "data": {"name": "d"}})
    other = Recipe.from_mapping({"data": {"name": "d"}, "model": {"config": {"b": 2, "a": 1}, "name": "m"}})
    assert one.digest() == other.digest()


def test_differences_name_the_path_and_both_values(load):
    one, other = load(), load("", "training.seed=1", "data.limit=8", "training.output_dir=x")
    assert one.differences(other) == ["data.limit: null here, 8 there", "training.seed: 42 here, 1 there"]
    assert one.differences(load("", "training.disable_tqdm=false")) == []


def test_a_recipe_made_from_sections_is_like_one_from_a_mapping():
    recipe = Recipe(model=ModelSection(name="m"), training=TrainingSection(seed=1))
    assert recipe == Recipe.from_mapping({"model": {"name": "m"}, "training": {"seed": 1}})
    assert recipe.place("training.seed") == "api: training.seed"
    assert recipe.replace({"data.name": "d"}).training.seed == 1
    with pytest.raises(RecipeError, match=r"^api: training.eval_steps can't take effect"):
        Recipe(model=ModelSection(name="m"), training=TrainingSection(eval_steps=5))


def test_operational_settings_exist():
    known = {".".join(path) for path, _ in problems.settings(Recipe)}
    assert set(OPERATIONAL) <= known


def test_what_was_written_can_be_taken_out(load):
    recipe = load("active:\n  budget: 30\n", "training.seed=1", "data.limit=5")
    plain = recipe.replace({"data.train": "rows.csv"}, without=("active", "data.limit", "hub.repo_id"))
    assert (plain.active, plain.data.limit, plain.data.train, plain.training.seed) == (None, None, "rows.csv", 1)
    assert recipe.active.budget == 30


def test_a_mapping_of_anything_else_than_plain_values_is_refused():
    with pytest.raises(RecipeError, match=r"^api: model.name must be text, .* found a value of type PosixPath\.$"):
        Recipe.from_mapping({"model": {"name": Path("x")}})


def test_a_mapping_is_not_changed_by_reading_it():
    mapping = {"task": "text-classification", "model": {"name": "m"}}
    Recipe.from_mapping(mapping, {"model.name": "n"})
    assert mapping == {"task": "text-classification", "model": {"name": "m"}}


def test_minimal_is_what_the_other_tests_take_it_for(load):
    assert MINIMAL.count("\n") == 4
    assert (load().model.name, load().data.name) == ("demo/tiny-bert", "demo/smoke")
