"""Strategies, and the models that they ask."""

from __future__ import annotations

import pytest
from PIL import Image

from hf_efficient.errors import PlanError
from hf_efficient.experiments.active import learners
from hf_efficient.training.finetune import finetune
from tests.integration.active_loops import learn

pytestmark = pytest.mark.usefixtures("shared_cache")  # the features


@pytest.mark.parametrize(
    "strategy", ["random", "least_confidence", "entropy", "bald", "core_set", "badge", "contrastive"]
)
def test_every_strategy_chooses_rows_that_have_no_label(tmp_path, strategy):
    ended = learn(tmp_path, {"active.strategy": strategy, "active.budget": 14})
    chosen = [row["id"] for record in ended.rounds for row in record["chosen"]]
    assert len(set(chosen)) == 14
    assert ended.rounds[-1]["metric"] is not None


@pytest.mark.parametrize("strategy", ["bald", "badge"])
def test_models_that_are_fine_tuned_in_every_round(tmp_path, strategy):
    settings = {"active.fast": False, "active.strategy": strategy, "active.budget": 10, "active.seed_set": "stratified"}
    ended = learn(tmp_path, {**settings, **({"active.members": 2} if strategy == "bald" else {})})
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10]
    assert len({row["id"] for record in ended.rounds for row in record["chosen"]}) == 10
    assert ended.rounds[1]["metrics"]["accuracy"] is not None
    assert ended.rounds[2]["metrics"]["accuracy"] is not None


def test_a_warm_start_goes_on_from_the_weights_of_the_round_before(tmp_path, monkeypatch):
    recipes = []
    monkeypatch.setattr(learners, "finetune", lambda recipe: recipes.append(recipe) or finetune(recipe))
    learn(tmp_path, {"active.fast": False, "active.warm_start": True, "active.budget": 14})
    rounds = tmp_path / "active" / "rounds"
    assert [recipe.model.name for recipe in recipes] == ["demo/tiny-bert", str(rounds / "001"), str(rounds / "002")]
    assert [recipe.model.initialization for recipe in recipes] == ["random", "pretrained", "pretrained"]
    assert not rounds.exists()


def test_bald_needs_dropout(tmp_path):
    settings = {"active.fast": False, "active.strategy": "bald", "model.config.hidden_dropout_prob": 0.0}
    with pytest.raises(PlanError, match="bald draws members by dropout, and the model has none"):
        learn(tmp_path, {**settings, "model.config.attention_probs_dropout_prob": 0.0})


def test_images(tmp_path):
    folder = tmp_path / "images"
    for number in range(24):
        name = ("dark", "light")[number % 2]
        place = folder / "train" / name / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number % 2 * 200 + number,) * 3).save(place)
    settings = {
        **{"task": "image-classification", "task.metrics": ["accuracy"], "data.name": str(folder)},
        **{"model.name": "demo/tiny-vit", "data.validation_size": 0.25, "training.precision": "fp32"},
    }
    for fast, strategy in ((True, "badge"), (False, "core_set")):
        words = {"active.fast": fast, "active.strategy": strategy, "active.budget": 10}
        ended = learn(tmp_path / strategy, {**settings, **words})
        assert [record["labels"] for record in ended.rounds] == [0, 6, 10]
        assert ended.outcome.report["data"]["rows"] == {"train": 10, "validation": 6}
