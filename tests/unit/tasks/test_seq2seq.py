from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer, BartConfig, EvalPrediction, GenerationConfig

from hf_efficient import tasks
from hf_efficient.assets import resolve
from hf_efficient.errors import DataError, PlanError, RecipeError
from hf_efficient.recipe import Columns, DataSection, TaskSection
from hf_efficient.recipe.task import Generation
from hf_efficient.tasks.seq2seq import shift_right
from tests.tiny import Seq2SeqCase

pytestmark = pytest.mark.usefixtures("own_cache")

PLACE = "a.yaml:2: {}".format
ROWS = {"text": ["ab", "abcd"], "target": ["ba", "dcba"]}


@pytest.fixture(scope="module")
def tokenizer():
    """Letters from 3 on, `a` is 3; the end of a text is 1."""
    return AutoTokenizer.from_pretrained(resolve("demo/tiny-t5"))


def learn(rows=ROWS, data=None, **words):
    section = TaskSection(type="text2text-generation", **words)
    return tasks.learn(section, data or DataSection(), DatasetDict({"train": Dataset.from_dict(rows)}), PLACE)


def encode(task, tokenizer, rows=ROWS, max_length=8, truncation=True):
    return task.encode(Dataset.from_dict(rows), tokenizer, max_length=max_length, truncation=truncation, split="train")


def test_labels_are_the_tokens_of_the_targets(tokenizer):
    encoded = encode(learn(), tokenizer)
    assert encoded.dataset.to_dict() == {
        "input_ids": [[3, 4, 1], [3, 4, 5, 6, 1]],
        "attention_mask": [[1] * 3, [1] * 5],
        "length": [3, 5],
        "labels": [[4, 3, 1], [6, 5, 4, 3, 1]],
    }
    assert encoded.num_truncated == 0


def test_the_prefix_stands_before_each_source(tokenizer):
    assert encode(learn(prefix="c"), tokenizer).dataset["input_ids"][:] == [[5, 3, 4, 1], [5, 3, 4, 5, 6, 1]]


def test_a_row_that_is_cut_on_both_sides_counts_once(tokenizer):
    encoded = encode(learn(data=DataSection(max_target_length=2)), tokenizer, max_length=4)
    assert encoded.dataset["input_ids"][:] == [[3, 4, 1], [3, 4, 5, 1]]
    assert encoded.dataset["labels"][:] == [[4, 1], [6, 1]]
    assert encoded.num_truncated == 2
    with pytest.raises(
        DataError, match=r"train row 1: expected at most 2 tokens, found 3; .* raise data.max_target_length"
    ):
        encode(learn(data=DataSection(max_target_length=2)), tokenizer, truncation=False)


def test_rows_without_targets_have_no_labels(tokenizer):
    assert "labels" not in encode(learn(), tokenizer, {"text": ["ab"]}).dataset.column_names


def test_weights_are_read(tokenizer):
    task = learn({**ROWS, "w": [1.0, 2.0]}, DataSection(columns=Columns(weight="w")))
    assert encode(task, tokenizer, {**ROWS, "w": [1.0, 2.0]}).dataset["sample_weight"][:] == [1.0, 2.0]


def test_batches_are_padded_and_hold_what_the_decoder_reads(tokenizer):
    model = Seq2SeqCase("t5").make_model()
    task = tasks.bind(learn(), model, tokenizer)
    batch = task.collator(tokenizer)(list(encode(task, tokenizer).dataset))
    assert batch["labels"].tolist() == [[4, 3, 1, -100, -100], [6, 5, 4, 3, 1]]
    assert batch["decoder_input_ids"].tolist() == [[0, 4, 3, 1, 0], [0, 6, 5, 4, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1] * 5]
    assert set(batch) == {"input_ids", "attention_mask", "labels", "decoder_input_ids"}


def test_a_model_that_can_not_shift_labels_is_helped():
    config = BartConfig(decoder_start_token_id=2, pad_token_id=0)
    assert shift_right(config, torch.tensor([[5, 6, -100], [7, 8, 9]])).tolist() == [[2, 5, 6], [2, 7, 8]]
    model, labels = Seq2SeqCase("bart").make_model(), torch.tensor([[5, 6, -100], [7, 8, 9]])
    assert shift_right(model.config, labels).equal(model.prepare_decoder_input_ids_from_labels(labels))


def test_the_loss_is_one_number_a_token(tokenizer):
    logits = torch.zeros(2, 3, 4)
    labels = torch.tensor([[1, 2, -100], [3, -100, -100]])
    loss = learn().loss()
    batch = SimpleNamespace(outputs={"logits": logits}, side={"labels": labels}, inputs={})
    rows = loss.rows(batch)
    assert loss.count({"labels": labels}) == 3
    assert rows.values.sum() == pytest.approx(3 * np.log(4))
    assert rows.sample[rows.mask].tolist() == [0, 0, 1]


def test_generated_ids_become_texts_and_metrics(tokenizer):
    task = tasks.bind(learn(metrics=("exact_match",)), Seq2SeqCase("t5").make_model(), tokenizer)
    generated = np.array([[0, 4, 3, 1, -100], [0, 6, 5, 4, 1]])
    assert task.predictions(generated, Dataset.from_dict({})) == [{"prediction": "ba"}, {"prediction": "dcb"}]
    labels = np.array([[4, 3, 1, -100], [6, 5, 4, 3]])
    assert task.compute_metrics(EvalPrediction(generated, labels)) == {"exact_match": 0.5}


def test_the_model_generates_and_is_saved_as_the_recipe_says(tokenizer):
    model = Seq2SeqCase("t5").make_model()
    model.generation_config = GenerationConfig(
        max_length=20, do_sample=True, temperature=0.5, early_stopping=True, min_length=2, eos_token_id=1
    )
    tasks.bind(learn(generation=Generation(max_new_tokens=5)), model, tokenizer)
    config = model.generation_config
    assert (config.max_new_tokens, config.max_length, config.num_beams, config.do_sample) == (5, None, 1, False)
    assert (config.temperature, config.early_stopping, config.min_length, config.eos_token_id) == (None, None, 2, 1)
    config.validate(strict=True)
    tasks.bind(learn(generation=Generation(num_beams=3)), model, tokenizer)
    assert (model.generation_config.max_new_tokens, model.generation_config.num_beams) == (128, 3)


def test_texts_are_no_longer_than_the_decoder_can_read(tokenizer):
    model = Seq2SeqCase("bart").make_model()
    bound = tasks.bind(learn(), model, tokenizer)
    assert model.generation_config.max_new_tokens == 16
    long = {"text": ["ab"], "target": ["a" * 30]}
    assert len(encode(bound, tokenizer, long, max_length=64).dataset["labels"][0]) == 16
    expected = (
        "a.yaml:2: task.generation.max_new_tokens: expected at most 16, the positions of the model's decoder; found 17"
    )
    with pytest.raises(PlanError, match=expected):
        tasks.bind(learn(generation=Generation(max_new_tokens=17)), model, tokenizer)
    with pytest.raises(PlanError, match=r"data\.max_target_length: expected at most 16"):
        tasks.bind(learn(data=DataSection(max_target_length=17)), model, tokenizer)


def test_a_model_without_a_decoder_is_refused(tokenizer):
    from tests.tiny import Case

    with pytest.raises(
        PlanError, match=r"model\.name: expected an encoder-decoder model .* BertForSequenceClassification"
    ):
        tasks.bind(learn(), Case("bert", "regression").make_model(), tokenizer)


def test_a_target_without_tokens_is_refused(tokenizer):
    bare = AutoTokenizer.from_pretrained(resolve("demo/tiny-t5"))
    bare.backend_tokenizer.post_processor = None
    with pytest.raises(DataError, match="train row 2: expected a target of at least one token"):
        encode(learn(), bare, {"text": ["a", "b"], "target": ["a", ""]})


def test_metrics_are_those_of_texts():
    assert learn().metric_names == ("exact_match", "rouge_l", "chrf", "bleu")
    with pytest.raises(RecipeError, match=r"a.yaml:2: task.metrics: blue is no metric of texts .* Did you mean bleu\?"):
        learn(metrics=("blue",))
