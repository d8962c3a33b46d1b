from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from hf_efficient.errors import PlanError, RunDirectoryError
from hf_efficient.models.adapter_state import STATE, load_checkpoint, save_checkpoint
from hf_efficient.models.adapters import (
    add_adapter,
    base_model,
    can_merge,
    load_adapted,
    merged,
    save_adapter,
    unloaded,
)
from hf_efficient.models.depth import head_modules
from hf_efficient.recipe import Peft
from tests.tiny import Case, TokenCase

CASE = Case("bert", "single_label_classification")
METHODS = {
    "lora": Peft(method="lora"),
    "dora": Peft(method="lora", use_dora=True),
    "rslora": Peft(method="lora", use_rslora=True),
    "pissa": Peft(method="lora", init_lora_weights="pissa"),
    "ia3": Peft(method="ia3"),
    "oft": Peft(method="oft", oft_block_size=4),
    "adalora": Peft(method="adalora", init_r=4, target_r=2),
    "vera": Peft(method="vera"),
    "loha": Peft(method="loha"),
    "ln_tuning": Peft(method="ln_tuning"),
    "lily": Peft(method="lily"),
    "prompt_tuning": Peft(method="prompt_tuning", num_virtual_tokens=3),
    "p_tuning": Peft(method="p_tuning", num_virtual_tokens=3),
    "prefix_tuning": Peft(method="prefix_tuning", num_virtual_tokens=3),
}
UNMERGED = {"lily", "prompt_tuning", "p_tuning", "prefix_tuning"}


def inputs(case=CASE):
    rows = case.rows(4)
    return {name: torch.stack([row[name] for row in rows]) for name in ("input_ids", "attention_mask")}


def adapted(section, seed=1):
    torch.manual_seed(seed)
    return add_adapter(CASE.make_model(), section, "text-classification")[0]


def trained(section):
    """An adapter after some steps, which move all that is trained."""
    model = adapted(section)
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=3e-2)
    for _ in range(3):
        torch.nn.functional.cross_entropy(model(**inputs()).logits, torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


@torch.no_grad()
def logits(model):
    return model.eval()(**inputs()).logits


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_adapter_gives_the_same_logits_wherever_it_is_loaded(name, tmp_path):
    model = trained(METHODS[name])
    expected = logits(model)
    assert (expected - logits(CASE.make_model())).abs().max() > 0.1
    save_checkpoint(model, tmp_path)
    torch.testing.assert_close(logits(load_adapted(CASE.make_model(), tmp_path)), expected, rtol=0, atol=1e-5)
    other = adapted(METHODS[name], seed=1)
    load_checkpoint(other, tmp_path)
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


@pytest.mark.parametrize("name", ["lora", "p_tuning", "adalora"])
@pytest.mark.parametrize("damage", ["missing", "unexpected"])
def test_a_checkpoint_of_other_weights_is_refused(name, damage, tmp_path):
    model = adapted(METHODS[name])
    save_checkpoint(model, tmp_path)
    file = tmp_path / (STATE if (tmp_path / STATE).is_file() else "adapter_model.safetensors")
    with safe_open(file, framework="pt") as saved:
        state, metadata = {key: saved.get_tensor(key) for key in saved.keys()}, saved.metadata()  # noqa: SIM118
    weight = next(key for key in state if "classifier" in key)
    other = f"{weight.removesuffix('weight').removesuffix('bias')}other"
    state[other] = state.pop(weight) if damage == "missing" else state[weight].clone()
    save_file(state, file, metadata=metadata)
    with pytest.raises(RunDirectoryError, match=r"found others \(.*classifier"):
        load_checkpoint(model, tmp_path)


@pytest.mark.parametrize("name", METHODS)
def test_merged_it_gives_the_same_logits_as_a_plain_model(name, tmp_path):
    model = trained(METHODS[name])
    expected, mergeable = logits(model), can_merge(model)
    assert mergeable is (name not in UNMERGED)
    save_adapter(model, tmp_path)
    plain = merged(model) if mergeable else unloaded(model)
    assert plain.state_dict().keys() == CASE.make_model().state_dict().keys()
    assert all(weight.requires_grad for weight in plain.parameters())
    found = plain if mergeable else load_adapted(plain, tmp_path)
    torch.testing.assert_close(logits(found), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_the_head_is_trained_with_it_and_nothing_else_of_the_model(name):
    names = [name for name, weight in adapted(METHODS[name]).named_parameters() if weight.requires_grad]
    assert sum(name.endswith("classifier.modules_to_save.default.weight") for name in names) == 1
    assert sum(name.endswith("pooler.dense.modules_to_save.default.weight") for name in names) == 1
    assert not any(".base_layer." in name or "word_embeddings" in name for name in names)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "mpnet", "vit"])
def test_lora_goes_to_all_linear_layers_but_the_head(kind):
    case = Case(kind, "single_label_classification")
    task = "image-classification" if kind == "vit" else "text-classification"
    model, remarks = add_adapter(case.make_model(), Peft(method="lora"), task)
    assert remarks == []
    found = [name for name, _ in model.named_modules() if name.endswith("lora_A.default")]
    assert len(found) == 12  # queries, keys, values, output, and two of the feed-forward part, in two layers
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad and "lora" not in name}
    assert {id(weight) for weight in weights.values()} >= {
        id(weight) for name, weight in model.named_parameters() if "classifier.modules_to_save" in name
    }


def test_it_keeps_to_what_is_not_frozen():
    model = CASE.make_model()
    for weight in (*model.bert.embeddings.parameters(), *model.bert.encoder.layer[0].parameters()):
        weight.requires_grad_(False)
    found, _ = add_adapter(model, Peft(method="lora"), None)
    assert {name.split("layer.")[1][0] for name, _ in found.named_parameters() if "lora_A" in name} == {"1"}


def test_modules_that_are_frozen_are_not_reached():
    model = CASE.make_model()
    model.bert.encoder.layer[0].requires_grad_(False)
    with pytest.raises(PlanError, match=r"reaches bert\.encoder\.layer\.0\.attention.*in a part that is frozen"):
        add_adapter(model, Peft(method="lora", target_modules=["query"]), None)


def test_a_frozen_head_is_refused():
    model = CASE.make_model()
    model.classifier.requires_grad_(False)
    with pytest.raises(PlanError, match=r"trains the head with the adapter, and classifier\.weight is frozen"):
        add_adapter(model, Peft(method="lora"), None)


def test_a_language_model_s_head_is_left_as_it_is():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=8, n_embd=8, n_layer=1, n_head=2))
    assert head_modules(model) == []
    found, remarks = add_adapter(model, Peft(method="lora"), "text-generation")
    assert remarks == []
    assert all("lora" in name for name, weight in found.named_parameters() if weight.requires_grad)
    assert base_model(found) is model


def test_virtual_tokens_have_no_logits():
    case = TokenCase("bert")
    model, _ = add_adapter(case.make_model(), METHODS["prompt_tuning"], "token-classification")
    assert model(input_ids=torch.ones(2, 5, dtype=torch.long)).logits.shape[:2] == (2, 5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            Peft(method="lora", target_modules=["no_such"]),
            r"peft: lora can't be put on BertFor.*No modules were targeted.*; change its settings",
        ),
        (Peft(method="lora", r=0), r"peft: lora can't be put on BertFor.*r.*0"),
        (Peft(method="trainable_tokens", token_indices=[1]), "trainable_tokens can't train the head"),
    ],
)
def test_what_peft_refuses_is_said_in_one_line(section, message):
    with pytest.raises(PlanError, match=message) as raised:
        add_adapter(CASE.make_model(), section, "text-classification")
    assert "\n" not in str(raised.value)


def test_virtual_tokens_need_a_task():
    with pytest.raises(PlanError, match="prompt_tuning needs a task of its own"):
        add_adapter(CASE.make_model(), METHODS["prompt_tuning"], None)
