"""What a model makes of a pool: row by row, members that dropout draws, heads on features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from hf_efficient.errors import PlanError
from hf_efficient.experiments.active.features import Features, pooled
from hf_efficient.experiments.active.hooks import dropping_out, head_inputs, in_row_order
from hf_efficient.experiments.active.learners import FineTuned, LinearHead
from hf_efficient.experiments.active.pool import load_pool
from hf_efficient.experiments.active.state import ActiveDirectory
from hf_efficient.models import load_model, load_processing_class
from hf_efficient.recipe import Recipe
from hf_efficient.tasks.classification import softmax


@pytest.fixture(autouse=True)
def _cache(shared_cache):
    """All tests share the features."""


def recipe(tmp_path, **active):
    settings = {"training.output_dir": str(tmp_path), "training.precision": "fp32", "active": {"budget": 30, **active}}
    return Recipe.load("smoke", settings)


def learner(tmp_path, **active):
    """A learner over the smoke recipe's pool, a model and its tokenizer."""
    words = recipe(tmp_path, **active)
    pool = load_pool(words)
    tokenizer = load_processing_class(words.model, pool.task.auto_model, words.place)
    transformers.set_seed(0)
    model = load_model(words.model, pool.task, tokenizer, words.place).model
    return FineTuned(words, pool, ActiveDirectory(tmp_path / "active")), model, tokenizer


def test_embeddings_are_those_that_the_head_turns_into_the_row_s_probabilities(tmp_path):
    made, model, tokenizer = learner(tmp_path, strategy="badge")
    scored = made._score(model, tokenizer, number=1)
    assert len(scored.embeddings) == len(made.pool) == 48
    with torch.no_grad():
        logits = model.eval().classifier(torch.from_numpy(scored.embeddings))
    assert softmax(logits.numpy()) == pytest.approx(scored.probabilities, abs=1e-6)
    for row in (0, 17, 47):
        alone = tokenizer(made.pool.rows[row]["text"], return_tensors="pt")
        with torch.no_grad():
            logits = model(**alone).logits.numpy()
        assert softmax(logits)[0] == pytest.approx(scored.probabilities[row], abs=1e-5)


def test_members_differ_and_are_the_same_when_drawn_again(tmp_path):
    made, model, tokenizer = learner(tmp_path, strategy="bald", members=3)
    scored = made._score(model, tokenizer, number=4)
    assert scored.members.shape == (3, 48, 2)
    assert np.abs(scored.members[0] - scored.members[1]).max() > 1e-4
    again = made._score(model, tokenizer, number=4)
    assert np.array_equal(scored.members, again.members)
    assert np.array_equal(scored.probabilities, again.probabilities)
    assert not np.array_equal(scored.members, made._score(model, tokenizer, number=5).members)
    assert not any(module.training for module in model.modules())


def test_a_model_without_a_vector_a_row_is_refused():
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=2
    )
    tags = transformers.BertForTokenClassification(config).eval()
    refused = pytest.raises(PlanError, match="compare one vector a row, which BertForTokenClassification's head")
    with refused, head_inputs(tags):
        tags(input_ids=torch.ones(1, 3, dtype=torch.long))
    with pytest.raises(PlanError, match="compare one vector a row"), head_inputs(transformers.BertModel(config)):
        pass
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    model = transformers.BertForTokenClassification(config)
    with pytest.raises(PlanError, match="the model has none"), dropping_out(model, seed=0):
        pass


def test_batches_are_put_back_into_the_order_of_the_rows():
    rows = load_rows([3, 9, 5])
    seen = [np.array([[9.0], [5.0]]), np.array([[3.0], [9.0]])]  # the last batch is filled up
    assert in_row_order(seen, rows).tolist() == [[3.0], [9.0], [5.0]]


def load_rows(lengths):
    from datasets import Dataset

    return Dataset.from_dict({"length": lengths})


def test_features_are_means_over_the_tokens_that_are_there(tmp_path):
    _, model, tokenizer = learner(tmp_path)
    batch = tokenizer(["stir the soup", "hoist"], padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model.eval().base_model(**batch).last_hidden_state
        found = pooled(batch, model)
    number = int(batch["attention_mask"][1].sum())
    assert number < states.shape[1]
    assert found[1] == pytest.approx(states[1, :number].mean(0).numpy(), abs=1e-6)


def test_features_are_kept_and_a_head_knows_only_classes_that_it_was_shown(tmp_path, monkeypatch):
    words = recipe(tmp_path, fast=True)
    pool = load_pool(words)
    first = Features(words, pool).of_pool
    monkeypatch.setattr("hf_efficient.experiments.active.features.pooled", None)
    again = Features(words, pool)
    assert np.array_equal(again.of_pool, first)
    assert first.shape == (48, 32)

    three = pool.task.__class__(**{**vars(pool.task), "classes": (*pool.classes, "never")})
    wider = type(pool)(pool.rows, pool.known, None, three)
    head = LinearHead(words, wider, again)
    fitted = head.fit({number: pool.known[number] for number in range(20)}, number=1)
    probabilities = fitted.score().probabilities
    assert fitted.metrics == {}
    assert probabilities[:, 2].max() == 0.0
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
