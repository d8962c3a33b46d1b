from __future__ import annotations

import json

import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from hf_efficient import tasks
from hf_efficient.errors import PlanError, RecipeError
from hf_efficient.models import load_model, load_tokenizer
from hf_efficient.recipe import DataSection, ModelSection, TaskSection
from tests.unit.data.tokenizer import tiny_tokenizer

PLACE = "a.yaml:5: {}".format
TINY = {"vocab_size": 9, "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}


@pytest.fixture
def task():
    rows = Dataset.from_dict({"text": ["a", "b", "c"], "label": ["x", "y", "z"]})
    return tasks.learn(TaskSection(), DataSection(), DatasetDict({"train": rows}))


@pytest.fixture
def folder(tmp_path):
    """A pretrained body in half precision, with its tokenizer."""
    BertModel(BertConfig(**TINY)).half().save_pretrained(tmp_path / "bert")
    tiny_tokenizer().save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


def load(task, folder, **words):
    section = ModelSection(name=str(folder), **words)
    return load_model(section, task, load_tokenizer(section, PLACE), PLACE)


def test_a_body_gets_the_tasks_head_in_full_precision(task, folder, capfd):
    loaded = load(task, folder)
    config = loaded.model.config
    assert isinstance(loaded.model, BertForSequenceClassification)
    assert (config.num_labels, config.id2label) == (3, {0: "x", 1: "y", 2: "z"})
    assert (config.problem_type, config.pad_token_id) == ("single_label_classification", 0)
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert loaded.notes == (f"{folder} has no weights for classifier.bias, classifier.weight; they start random",)
    assert capfd.readouterr() == ("", "")


def test_the_pretrained_weights_are_kept(task, folder):
    loaded = load(task, folder).model.bert.state_dict()
    saved = BertModel.from_pretrained(folder, dtype=torch.float32).state_dict()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_a_head_for_other_labels_starts_anew(task, folder, capfd):
    BertForSequenceClassification(BertConfig(**TINY, num_labels=5)).save_pretrained(folder)
    capfd.readouterr()
    loaded = load(task, folder)
    assert loaded.model.classifier.out_features == 3
    expected = f"{folder} has classifier.bias, classifier.weight for another number of labels; they start random"
    assert loaded.notes == (expected,)
    assert capfd.readouterr() == ("", "")


def test_what_is_saved_loads_with_transformers_alone(task, folder, tmp_path):
    loaded = load(task, folder).model
    loaded.save_pretrained(tmp_path / "out")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert again.config.label2id == {"x": 0, "y": 1, "z": 2}


def test_random_weights_keep_the_architecture(task, folder):
    loaded = load(task, folder, initialization="random", config={"hidden_dropout_prob": 0.3})
    assert loaded.model.config.hidden_dropout_prob == 0.3
    assert "random" in loaded.notes[0]
    saved = BertModel.from_pretrained(folder).embeddings.word_embeddings.weight
    assert not torch.equal(loaded.model.bert.embeddings.word_embeddings.weight, saved.float())


def test_the_same_seed_draws_the_same_head(task, folder):
    torch.manual_seed(3)
    first = load(task, folder).model.classifier.weight
    torch.manual_seed(3)
    assert torch.equal(load(task, folder).model.classifier.weight, first)


def test_a_live_model_is_taken_and_named_as_the_data_names_its_labels(task):
    model = BertForSequenceClassification(BertConfig(**TINY, num_labels=3))
    loaded = load_model(ModelSection(name="x"), task, tiny_tokenizer(), PLACE, model=model)
    assert loaded.model is model
    assert loaded.notes == ()
    assert model.config.id2label == {0: "x", 1: "y", 2: "z"}


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        (
            {"hidden_dropout": 0.1},
            RecipeError,
            r"hidden_dropout is no field of BertConfig. Did you mean hidden_dropout_prob\?$",
        ),
        ({"hidden_dropout_prob": "x"}, RecipeError, "model.config.hidden_dropout_prob: BertConfig refuses 'x': "),
        ({"num_labels": 4}, PlanError, "model.config.num_labels: the task sets num_labels from the data; remove it$"),
        (
            {"intermediate_size": 16},
            PlanError,
            r"^a.yaml:5: model.config: bert.encoder.layer.0.* has shape \(8,\) .*\(16,\)",
        ),
    ],
)
def test_fields_of_the_configuration(task, folder, config, error, said):
    with pytest.raises(error, match=said) as raised:
        load(task, folder, config=config)
    assert "\n" not in str(raised.value)


def test_names_of_nothing(task, folder):
    with pytest.raises(RecipeError, match=r"^a.yaml:5: model.name: there is no directory .*bret. Did you mean bert\?$"):
        load(task, folder.parent / "bret")
    (folder.parent / "empty").mkdir()
    with pytest.raises(RecipeError, match=r"empty holds neither a model nor a tokenizer: there is no config.json"):
        load(task, folder.parent / "empty")
    with pytest.raises(RecipeError, match=r"config.json is a file; expected a directory or a Hub name"):
        load(task, folder / "config.json")


def test_a_model_without_a_tokenizer(task, folder, tmp_path):
    BertModel(BertConfig(**TINY)).save_pretrained(tmp_path / "bare")
    with pytest.raises(RecipeError, match=r"bare holds no tokenizer; name one in model.tokenizer"):
        load(task, tmp_path / "bare")
    section = ModelSection(name=str(tmp_path / "bare"), tokenizer=str(folder))
    assert len(load_tokenizer(section, PLACE)) == 9


@pytest.mark.parametrize(
    ("file", "content"),
    [("config.json", "{"), ("config.json", "{}"), ("model.safetensors", "short"), ("tokenizer.json", "{")],
)
def test_damaged_files(task, folder, file, content):
    (folder / file).write_text(content)
    with pytest.raises((PlanError, RecipeError)) as raised:
        load(task, folder)
    assert str(raised.value).startswith("a.yaml:5: model.name: ")
    assert "\n" not in str(raised.value)


def test_a_directory_without_weights(task, folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(PlanError, match=r"can't be loaded: .*no file named model.safetensors"):
        load(task, folder)


def test_a_hub_name_without_a_hub(task):
    said = "user/model is no directory, is not in the cache, and the Hub can't be reached; run `hf download user/model"
    with pytest.raises(PlanError, match=said):
        load_tokenizer(ModelSection(name="user/model"), PLACE)
    with pytest.raises(PlanError, match=said):
        load_model(ModelSection(name="user/model"), task, tiny_tokenizer(), PLACE)


def test_code_from_a_repository_is_not_run(task, folder):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RecipeError, match=r"runs its own code; read it, then set model.trust_remote_code to true"):
        load_model(ModelSection(name=str(folder)), task, tiny_tokenizer(), PLACE)


def test_the_tokenizer_makes_what_the_model_takes(task):
    config = DistilBertConfig(vocab_size=9, dim=8, n_heads=2, n_layers=1, hidden_dim=8, num_labels=3)
    tokenizer = tiny_tokenizer()
    assert "token_type_ids" in tokenizer("good")
    load_model(ModelSection(name="x"), task, tokenizer, PLACE, model=DistilBertForSequenceClassification(config))
    assert set(tokenizer("good")) == {"input_ids", "attention_mask"}
