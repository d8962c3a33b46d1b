from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe import Peft, Recipe

MODEL = {"model": {"name": "m"}}


def recipe(peft, **sections):
    return Recipe.from_mapping({**MODEL, "peft": peft, **sections})


def test_lora_has_defaults():
    found = recipe({"method": "lora"})
    assert found.to_mapping()["peft"] == {"method": "lora", "r": 8, "lora_alpha": 16}
    assert str(found.sources["peft.r"]) == "default"


def test_what_is_written_replaces_the_defaults():
    found = recipe({"method": "lora", "r": 4, "use_dora": True, "target_modules": ["query"]})
    assert found.peft.settings == {"r": 4, "lora_alpha": 16, "use_dora": True, "target_modules": ["query"]}
    assert Recipe.from_mapping(found.to_mapping()).digest() == found.digest()


def test_other_methods_have_those_of_peft():
    assert recipe({"method": "ia3"}).peft.settings == {}


def test_virtual_tokens_are_counted():
    assert recipe({"method": "prompt_tuning"}).virtual_tokens == 20
    assert recipe({"method": "prefix_tuning", "num_virtual_tokens": 4}).virtual_tokens == 4
    assert recipe({"method": "lora"}).virtual_tokens == 0


def test_the_rate_is_ten_times_that_of_full_fine_tuning():
    assert recipe({"method": "lora"}).training.learning_rate == pytest.approx(5e-4)
    assert recipe({"method": "lora"}, training={"learning_rate": 1e-5}).training.learning_rate == 1e-5
    assert Recipe.from_mapping(MODEL).training.learning_rate == 5e-5


@pytest.mark.parametrize(
    ("peft", "message"),
    [
        ({"method": "lorra"}, "peft.method is lorra, which peft does not have. Did you mean lora?"),
        ({"method": "dora"}, "peft does not have. Write method: lora with use_dora: true."),
        ({"method": "poly"}, "peft.method can't be poly: it needs the number of a task with each row; take lora."),
        ({"method": "lora", "lora_alfa": 3}, "peft.lora_alfa is not a setting of lora. Did you mean peft.lora_alpha?"),
        ({"method": "ia3", "r": 3}, "peft.r is not a setting of ia3."),
        ({"method": "lora", "rank": 4}, "peft.rank is not a setting of lora. Did you mean peft.r?"),
        ({"method": "lora", "r": "four"}, "peft.r must be a whole number, found the word four."),
        ({"method": "lora", "bias": "al"}, "peft.bias must be one of none, all, lora_only, found the word al. Did you"),
        ({"method": "lora", "target_modules": 3}, "peft.target_modules must be a list of words or text or null, found"),
        ({"method": "lora", "task_type": "SEQ_CLS"}, "peft.task_type follows from the run; take it out."),
        ({"method": "lora", "init_lora_weights": "eva"}, "peft.init_lora_weights is eva, which would have to look at"),
        ({"r": 8}, "peft.method is missing."),
        ({"method": 3}, "peft.method must be text that is not empty, found the number 3."),
    ],
)
def test_what_peft_does_not_take_is_said_in_one_line(peft, message):
    with pytest.raises(RecipeError) as raised:
        recipe(peft)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pattern_among_words_is_no_word():
    assert recipe({"method": "lora", "init_lora_weights": "pissa_niter_4"}).peft.settings["init_lora_weights"]


@pytest.mark.parametrize(
    ("peft", "sections", "message"),
    [
        ("lora", {"freeze": {"train_only": ["head"]}}, "freeze.train_only can't take effect: peft trains the adapter"),
        ("lora", {"training": {"fsdp": "full_shard"}}, "training.fsdp shards a model whose weights all train"),
        (
            "lora",
            {"model": {"name": "m", "distributed_config": {"fsdp_size": 2}}},
            "peft needs the whole model on each",
        ),
        ("prompt_tuning", {"task": "image-classification"}, "puts virtual tokens before text, and images have none"),
        ("prefix_tuning", {"training": {"layerwise_lr_decay": 0.9}}, "virtual tokens belong to no layer"),
        (
            "p_tuning",
            {"distill": {"teacher": "t", "hidden": {}}},
            "distill.hidden can't take effect: the virtual tokens",
        ),
        ("prompt_tuning", {"task": "text-generation"}, "data.packing must be false beside virtual tokens"),
    ],
)
def test_what_can_not_stand_beside_it_is_refused(peft, sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe({"method": peft}, **sections)


def test_a_section_can_be_checked_alone():
    assert Peft(method="lora").checked().settings == {"r": 8, "lora_alpha": 16}
    with pytest.raises(ValueError, match=r"peft\.rr is not a setting of lora\. Did you mean peft\.r"):
        Peft(method="lora", rr=3).checked()
