"""Sequence to sequence from recipe to predictions, on a tiny T5 and a tiny BART."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from hf_efficient.assets import resolve
from hf_efficient.cli.app import run
from hf_efficient.recipe import Recipe
from hf_efficient.training.score import evaluate_run, load_run, predict_run
from tests.processes import run_processes
from tests.runs import CutOffError, train, weights
from tests.tiny import Seq2SeqCase

pytestmark = pytest.mark.usefixtures("shared_cache")

WORDS = ["stimar", "ai", "plefloryn", "mais", "zoo"]
SHORT = {
    "data.limit": 64,
    "training.max_steps": 8,
    "training.learning_rate": 1e-2,
    "training.per_device_train_batch_size": 8,
    "training.logging_steps": 1,
    "training.save_strategy": "no",
    "task.generation.max_new_tokens": 12,
    "task.metrics": ["exact_match", "rouge_l", "chrf", "bleu"],
}


@pytest.fixture(scope="module", params=["t5", "bart"])
def finished(request, home):
    """A finished run of a model that writes at least four letters, whatever it has learnt, and its report."""
    folder = home / request.param
    shutil.copytree(resolve("demo/tiny-t5"), folder, dirs_exist_ok=True)  # made again if tests change places
    model = Seq2SeqCase(request.param).make_model()
    model.generation_config.min_new_tokens = 4
    model.save_pretrained(folder)
    named = {"model.name": str(folder), "model.initialization": "pretrained"}
    path = home / f"run-{request.param}"
    settings = {**SHORT, **named, "data.max_length": 16, "training.output_dir": str(path)}
    words = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_EFFICIENT_HOME", str(home / "cache"))
        assert run(["finetune", "reverse-words", *words]) == 0
    return path, json.loads((path / "report.json").read_text())


def test_what_it_predicts_is_what_plain_transformers_generates(finished, capsys):
    path, _ = finished
    capsys.readouterr()
    assert run(["predict", str(path), *(word for text in WORDS for word in ("--text", text))]) == 0
    predicted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    model = AutoModelForSeq2SeqLM.from_pretrained(path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(path / "model")
    with torch.no_grad():
        ids = [model.generate(**tokenizer(text, return_tensors="pt"))[0] for text in WORDS]
    expected = [tokenizer.decode(row, skip_special_tokens=True) for row in ids]
    assert model.generation_config.max_new_tokens == 12
    assert any(expected)
    assert predicted == [{"text": text, "prediction": said.strip()} for text, said in zip(WORDS, expected, strict=True)]


def test_the_report_and_the_card_say_what_it_does(finished):
    path, report = finished
    assert report["task"]["type"] == "text2text-generation"
    assert report["data"]["rows"] == {"train": 64, "validation": 500}
    assert set(report["metrics"]["validation"]) == {"loss", "exact_match", "rouge_l", "chrf", "bleu"}
    assert "AutoModelForSeq2SeqLM" in (path / "README.md").read_text()


def scores(path: str) -> tuple[dict[str, float | None], list[str]]:
    """Metrics of the recipe's rows, and predictions of five words in their order."""
    finished = load_run(path)
    return dict(evaluate_run(finished).metrics), predict_run(finished, WORDS).table["prediction"][:]


def test_two_processes_score_and_predict_as_one(finished):
    path, report = finished
    metrics, predictions = scores(str(path))
    assert metrics == pytest.approx(report["metrics"]["validation"], rel=1e-6)
    for other_metrics, other_predictions in run_processes(2, scores, str(path)):
        assert other_metrics == pytest.approx(metrics, rel=1e-6)
        assert other_predictions == predictions


def test_settings_that_still_act_do(finished, capsys):
    path, _ = finished
    capsys.readouterr()
    assert run(["predict", str(path), "task.generation.max_new_tokens=5", "--text", "mais"]) == 0
    assert len(json.loads(capsys.readouterr().out)["prediction"]) in (4, 5)
    assert run(["predict", str(path), "task.labels=[a]", "--text", "mais"]) == 2


def test_explain_builds_the_plan(tmp_path, capsys):
    assert run(["explain", "reverse-words", f"training.output_dir={tmp_path / 'run'}", "data.limit=32"]) == 0
    assert "T5ForConditionalGeneration" in capsys.readouterr().out


def test_it_resumes_bit_for_bit(tmp_path):
    """Cut off within an epoch; dropout is on, and every evaluation generates."""
    saved = {"training.save_strategy": "steps", "training.save_steps": 2, "training.max_steps": 6}
    scored = {"training.eval_strategy": "steps", "training.eval_steps": 2, "model.config.dropout_rate": 0.1}

    def recipe(name):
        place = {"training.output_dir": str(tmp_path / name)}
        return Recipe.load("reverse-words", {**SHORT, **saved, **scored, **place, "data.limit": 24})

    expected = train(recipe("whole"))
    with pytest.raises(CutOffError):
        train(recipe("cut"), interrupt_at=5)
    resumed = train(recipe("cut"))
    assert resumed.resumed_from_step == 4
    assert resumed.metrics == expected.metrics
    for name, values in weights(recipe("whole")).items():
        assert (weights(recipe("cut"))[name] == values).all(), name


def test_a_setting_of_another_task_is_refused(capsys):
    assert run(["validate", "reverse-words", "task.problem=regression"]) == 2
    assert "task.problem can't take effect" in capsys.readouterr().err
    assert run(["validate", "smoke", "task.generation.num_beams=2"]) == 2
    assert "task.generation can't take effect" in capsys.readouterr().err
    assert run(["validate", "smoke", "data.columns.target=text"]) == 2
    assert "data.columns.target can't take effect" in capsys.readouterr().err
