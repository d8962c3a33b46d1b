from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import transformers
from torch import nn

from hf_efficient.errors import PlanError
from hf_efficient.models.student import chosen_layers, student_of

SIZES = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 24}
IDS = torch.tensor([[5, 9, 7, 3], [4, 4, 8, 6]])

CONFIGS = {
    "bert": transformers.BertConfig(vocab_size=40, **SIZES),
    "mpnet": transformers.MPNetConfig(vocab_size=40, max_position_embeddings=16, **SIZES),
    "distilbert": transformers.DistilBertConfig(vocab_size=40, dim=16, n_layers=4, n_heads=4, hidden_dim=24),
    "vit": transformers.ViTConfig(image_size=8, patch_size=4, **SIZES),
    "llama": transformers.LlamaConfig(vocab_size=40, **SIZES),
    "qwen2": transformers.Qwen2Config(vocab_size=40, num_key_value_heads=4, **SIZES),
}
AUTO = {"vit": "AutoModelForImageClassification", "llama": "AutoModelForCausalLM", "qwen2": "AutoModelForCausalLM"}


def teacher(kind: str):
    torch.manual_seed(0)
    return (
        getattr(transformers, AUTO.get(kind, "AutoModelForSequenceClassification"))
        .from_config(deepcopy(CONFIGS[kind]))
        .eval()
    )


def logits(model) -> torch.Tensor:
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    feed = {"pixel_values": images} if model.config.model_type == "vit" else {"input_ids": IDS}
    if type(model).__name__.endswith("CausalLM"):
        feed["use_cache"] = False
    with torch.no_grad():
        return model.eval()(**feed).logits


def without_layers(model, keep: list[int]):
    """The same model, with the other layers of its list taken out by hand."""
    for parent in model.modules():
        for name, part in parent.named_children():
            if isinstance(part, nn.ModuleList) and len(part) == 4:
                setattr(parent, name, nn.ModuleList([part[number] for number in keep]))
    model.config.num_hidden_layers = len(keep)
    return model


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("layers", [[0, 3], [1], [0, 1, 2, 3]])
def test_it_computes_what_the_teacher_would_without_the_other_layers(kind, layers):
    student = student_of(teacher(kind), layers=layers)
    torch.testing.assert_close(logits(student), logits(without_layers(teacher(kind), layers)))


@pytest.mark.parametrize("kind", CONFIGS)
def test_it_is_saved_as_an_ordinary_model(kind, tmp_path):
    student = student_of(teacher(kind), layers=2, width=8)
    student.save_pretrained(tmp_path)
    loaded, info = type(student).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert loaded.config.num_hidden_layers == 2
    torch.testing.assert_close(logits(loaded), logits(student))


def test_a_narrow_one_starts_from_the_first_heads_and_features():
    whole = teacher("bert")
    narrow = student_of(whole, width=8)
    of_whole, of_narrow = (model.bert.encoder.layer[3].attention.self.key for model in (whole, narrow))
    torch.testing.assert_close(of_narrow.weight, of_whole.weight[:8, :8])
    assert (narrow.config.num_attention_heads, narrow.config.intermediate_size) == (2, 12)


def test_the_teacher_stays_as_it_is():
    whole = teacher("bert")
    before = logits(whole)
    student = student_of(whole, layers=2)
    with torch.no_grad():
        for weight in student.parameters():
            weight.zero_()
    torch.testing.assert_close(logits(whole), before)
    assert whole.config.num_hidden_layers == 4


@pytest.mark.parametrize(
    ("layers", "there_are", "numbers"),
    [
        (3, 6, [0, 2, 4]),
        (4, 6, [0, 1, 3, 4]),
        (1, 6, [0]),
        (6, 6, [0, 1, 2, 3, 4, 5]),
        (None, 2, [0, 1]),
        ([1], 2, [1]),
    ],
)
def test_a_number_of_layers_is_spread_from_the_lowest_on(layers, there_are, numbers):
    assert chosen_layers(layers, there_are) == numbers


@pytest.mark.parametrize("layers", [0, 5, [], [4], [-1], [2, 1], [1, 1]])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(PlanError, match=r"distill.student.layers: expected"):
        student_of(teacher("bert"), layers=layers)


@pytest.mark.parametrize(("width", "found"), [(6, "6"), (20, "20")])
def test_a_width_that_cuts_a_head_is_refused(width, found):
    with pytest.raises(PlanError, match=f"expected a multiple of 4, the width of a head, up to 16, found {found}"):
        student_of(teacher("bert"), width=width)


def test_heads_that_are_not_apart_can_not_be_cut():
    fused = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=4, n_head=4))
    with pytest.raises(PlanError, match="one matrix"):
        student_of(fused, width=8)
    shared = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=40, num_key_value_heads=2, **SIZES))
    with pytest.raises(PlanError, match="share keys and values"):
        student_of(shared, width=8)


# DistilBERT.


def test_a_distilbert_labels_tokens_as_its_bert_teacher_does():
    torch.manual_seed(0)
    bert = transformers.BertForTokenClassification(deepcopy(CONFIGS["bert"])).eval()
    student = student_of(bert, architecture="distilbert")
    assert type(student) is transformers.DistilBertForTokenClassification
    torch.testing.assert_close(logits(student), logits(bert))


def test_a_sentence_goes_through_the_pooler_s_weights():
    bert = teacher("bert")
    student = student_of(bert, layers=2, architecture="distilbert")
    assert type(student) is transformers.DistilBertForSequenceClassification
    torch.testing.assert_close(student.pre_classifier.weight, bert.bert.pooler.dense.weight)
    torch.testing.assert_close(student.classifier.weight, bert.classifier.weight)


def test_only_a_bert_becomes_a_distilbert():
    with pytest.raises(PlanError, match="from a BERT teacher, found MPNetForSequenceClassification"):
        student_of(teacher("mpnet"), architecture="distilbert")
