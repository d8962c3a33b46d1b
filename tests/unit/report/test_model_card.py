from __future__ import annotations

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from hf_efficient.report import model_card
from tests.unit.report import reports


def card(report, recipe: str = reports.RECIPE, assets=reports.ASSETS) -> ModelCard:
    return ModelCard(model_card(report, recipe, assets))


def test_the_metadata_is_what_the_hub_reads():
    data = card(reports.single_label()).data.to_dict()
    index = data.pop("model-index")
    assert data == {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "license": "apache-2.0",
        "metrics": ["matthews_correlation", "accuracy", "f1"],
        "tags": ["hf-efficient"],
    }
    assert [entry["name"] for entry in index] == ["quickstart"]
    validation, test = index[0]["results"]
    assert validation["dataset"] == {"name": "demo/movie-sentiment", "type": "custom", "split": "validation"}
    assert test["dataset"]["split"] == "test"
    assert validation["metrics"] == [
        {"type": "matthews_correlation", "value": 0.7213, "name": "Matthews correlation"},
        {"type": "accuracy", "value": 0.8605, "name": "Accuracy"},
        {"type": "f1", "value": 0.86, "name": "Macro F1"},
    ]


def test_undefined_metrics_and_the_loss_are_no_results():
    (result,) = card(reports.regression()).data.eval_results
    assert (result.metric_type, result.metric_value) == ("mse", 1.25)


def test_a_run_without_scores_has_no_index():
    data = card(reports.unmeasured()).data.to_dict()
    assert {"model-index", "model_name", "metrics"}.isdisjoint(data)


def test_hub_names_are_linked_and_local_ones_are_not(tmp_path):
    report = reports.single_label()
    report["model"]["name"], report["data"]["name"] = "distilbert/distilbert-base-uncased", "nyu-mll/glue"
    recipe = "model: {name: distilbert/distilbert-base-uncased}\ndata: {name: nyu-mll/glue, config: sst2}\n"
    data = card(report, recipe, {}).data
    assert data.base_model == "distilbert/distilbert-base-uncased"
    assert data.datasets == ["nyu-mll/glue"]
    assert data.eval_results[0].dataset_type == "nyu-mll/glue"
    assert data.eval_results[0].dataset_config == "sst2"
    report["model"]["name"], report["data"]["name"] = str(tmp_path), None
    data = card(report, recipe, {}).data
    assert (data.base_model, data.datasets, data.license) == (None, None, None)


def test_weights_drawn_anew_have_no_base_model():
    recipe = reports.RECIPE.replace("pretrained", "random")
    drawn_anew = card(reports.single_label(), recipe)
    assert drawn_anew.data.base_model is None
    assert "trained from random weights in the shape of `demo/minilm-l6`" in drawn_anew.text


@pytest.mark.parametrize(
    ("licence", "known", "name"), [("MIT", "mit", None), ("research use", "other", "research use")]
)
def test_licence(licence, known, name):
    assets = {"demo/minilm-l6": replace(reports.ASSETS["demo/minilm-l6"], licence=licence)}
    data = card(reports.single_label(), assets=assets).data
    assert (data.license, data.license_name) == (known, name)


def test_the_text_tells_use_results_training_data_and_limits():
    text = card(reports.single_label()).text
    assert "exactly one of these labels to a text: `negative`, `positive`." in text
    assert 'pipeline("text-classification", model="user/name")' in text
    assert "| Accuracy | 0.8605 | 0.8540 |" in text
    assert "- Learning rate: 0.0001" in text
    assert "- Versions: hf_efficient 0.1.0, torch 2.13.0" in text
    assert "- Licence: MIT" in text
    assert "- Citation: Hutto, C. J. and Gilbert, E. (2014)." in text
    assert "- 3 train rows were longer" in text
    assert "no separate test split" not in text
    assert reports.RECIPE in text


def test_limits_follow_the_report():
    report = reports.regression()
    report["data"]["truncated_rows"] = {"train": 0, "validation": 1200}
    text = card(report, assets={}).text
    assert "It gives a number for a text" in text
    assert "no separate test split" in text
    assert "- 1,200 validation rows were longer" in text
    assert "train rows were longer" not in text
    assert "- Licence: not recorded" in text


def test_multi_label_lists_some_labels_and_tells_the_threshold():
    text = card(reports.multi_label(), "task: {threshold: 0.3}\n").text
    assert "`topic 20` and 10 more." in text
    assert 'model="user/name", top_k=None)' in text
    assert "from a probability of 0.3 on" in text


def test_a_recipe_cannot_close_its_code_block():
    text = card(reports.single_label(), 'model: {name: "a```b"}\n').text
    assert '````yaml\nmodel: {name: "a```b"}\n````' in text
