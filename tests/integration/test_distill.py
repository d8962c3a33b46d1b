"""Distillation by a recipe, and teachers that do not fit."""

from __future__ import annotations

import errno
import json
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import AutoModelForSequenceClassification

from hf_efficient.data.row_cache import RowGroup
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.models.cached_teacher import CachedTeacher
from hf_efficient.recipe import Recipe
from hf_efficient.training.finetune import finetune
from tests.processes import run_processes
from tests.runs import TEACHER, CutOffError, losses, smoke, teacher, train, weights

pytestmark = pytest.mark.usefixtures("own_cache")


def edited(tmp_path: Path, file: str, edit) -> str:
    """A copy of the teacher's model with one of its JSON files changed."""
    folder = tmp_path / "edited"
    folder.mkdir()
    for path in (Path(teacher()) / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = json.loads((folder / file).read_text())
    edit(content)
    (folder / file).write_text(json.dumps(content))
    return str(folder)


def refusal(tmp_path, **distill) -> str:
    with pytest.raises(HfEfficientError) as raised:
        train(smoke(tmp_path / "run", {f"distill.{key}": value for key, value in distill.items()}))
    return str(raised.value)


def test_a_student_without_labels_comes_to_its_teachers_answers(tmp_path):
    """The teacher's own architecture, and no weight on the labels: what is learnt is what the teacher says."""
    settings = {
        "distill.teacher": TEACHER,
        "distill.weight": 1.0,
        "distill.divergence": "squared_error",
        "training.num_train_epochs": 30,
        "training.precision": "fp32",
        "training.seed": 3,
    }
    found = losses(train(smoke(tmp_path / "run", settings)))
    assert sum(found[-6:]) < 0.1 * sum(found[:6])


def test_the_saved_model_is_the_student_alone(tmp_path):
    recipe = smoke(tmp_path / "run", {"distill.teacher": TEACHER, "model.config": {"num_hidden_layers": 1}})
    train(recipe)
    model, info = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model", output_loading_info=True)
    assert model.config.num_hidden_layers == 1
    assert not any(info.values())
    weights = (tmp_path / "run/model/model.safetensors").stat().st_size
    assert weights < (Path(teacher()) / "model/model.safetensors").stat().st_size


def test_several_teachers_teach(tmp_path):
    both = {"distill.teacher": [teacher(), teacher()], "distill.teacher_weights": [1.0, 3.0]}
    one = losses(train(smoke(tmp_path / "one", {"distill.teacher": TEACHER, "training.precision": "fp32"})))
    two = losses(train(smoke(tmp_path / "two", {**both, "training.precision": "fp32"})))
    assert two == pytest.approx(one, rel=1e-4)  # twice the same one


def test_a_teacher_must_be_fine_tuned(tmp_path):
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder = tmp_path / "body"
    AutoModel.from_config(AutoConfig.from_pretrained(Path(teacher()) / "model")).save_pretrained(folder)
    AutoTokenizer.from_pretrained(Path(teacher()) / "model").save_pretrained(folder)
    said = refusal(tmp_path, teacher=str(folder))
    assert "has no weights for classifier.bias, classifier.weight; a teacher must be fine-tuned" in said


def test_its_labels_must_be_the_data_s_in_the_same_order(tmp_path):
    def swap(config):
        config["id2label"] = {"0": "sailing", "1": "cooking"}

    said = refusal(tmp_path, teacher=edited(tmp_path, "config.json", swap))
    assert "has the labels sailing, cooking, and the data cooking, sailing; give task.labels in the teacher's" in said


def test_it_must_read_the_same_tokens(tmp_path):
    def shorten(content):
        content["model"]["vocab"] = dict(list(content["model"]["vocab"].items())[:-1])

    said = refusal(tmp_path, teacher=edited(tmp_path, "tokenizer.json", shorten), hidden={})
    assert "teacher and student must read the same tokens" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"teacher": "no/such/place"}, "distill.teacher: there is no directory no/such/place"),
        ({"teacher": [TEACHER], "teacher_weights": [1.0, 1.0]}, "expected a number above 0 for each of 1 teachers"),
        ({"teacher": [TEACHER], "teacher_weights": [0.0]}, "expected a number above 0 for each of 1 teachers"),
    ],
)
def test_what_can_not_be_is_refused(settings, message, tmp_path):
    assert message in refusal(tmp_path, **{"teacher": TEACHER, **settings})


def test_a_bare_trainer_has_no_rows_to_teach(tmp_path):
    from hf_efficient import Distill, EfficientTrainer
    from tests.tiny import Case
    from tests.trajectory import arguments

    model = Case("bert", "single_label_classification").make_model()
    with pytest.raises(PlanError, match="train by a recipe"):
        EfficientTrainer(model, arguments(str(tmp_path)), techniques=[Distill(teacher="x")])


@pytest.mark.parametrize(
    ("part", "model"),
    [({"layers": 1}, "BertForSequenceClassification"), ({"architecture": "distilbert"}, "DistilBertForSequenceClass")],
)
def test_a_student_is_made_from_its_teacher_and_goes_on_after_a_cut(part, model, tmp_path):
    words = {"task": "text-classification", "data": {"name": "demo/smoke"}}
    words["distill"] = {"teacher": teacher(), "student": {"from_teacher": part}}
    words["training"] = {"output_dir": str(tmp_path / "run"), "num_train_epochs": 2, "per_device_train_batch_size": 8}
    recipe = Recipe.from_mapping(words)
    with pytest.raises(CutOffError):
        train(recipe, interrupt_at=8)
    assert train(recipe).resumed_from_step == 6
    config = json.loads((tmp_path / "run/model/config.json").read_text())
    assert config["architectures"][0].startswith(model)


def test_a_student_made_from_the_teacher_has_no_other_name(tmp_path):
    student = {"from_teacher": {"layers": 1}}
    with pytest.raises(HfEfficientError, match=r"model\.name can't take effect: distill\.student makes"):
        smoke(tmp_path / "run", {"distill.teacher": TEACHER, "distill.student": student})


def test_kept_answers_give_the_losses_of_a_teacher_that_is_asked(tmp_path):
    steady = {"distill.teacher": TEACHER, "training.precision": "fp32"}
    kept = losses(train(smoke(tmp_path / "kept", {**steady, "distill.cache": True})))
    asked = losses(train(smoke(tmp_path / "asked", {**steady, "distill.cache": False})))
    assert kept == pytest.approx(asked, rel=1e-6)


def test_a_full_disk_stops_a_run_only_if_it_asked_for_kept_answers(tmp_path, monkeypatch, caplog):
    def full(self, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    steady = {"distill.teacher": TEACHER, "training.precision": "fp32", "training.max_steps": 4}
    asked = losses(train(smoke(tmp_path / "asked", {**steady, "distill.cache": False})))
    monkeypatch.setattr(RowGroup, "write", full)
    said = r"the teacher's answers can't be kept there \(No space left on device\)"
    with pytest.raises(HfEfficientError, match=said):
        train(smoke(tmp_path / "wanted", {**steady, "distill.cache": True}))
    assert losses(train(smoke(tmp_path / "automatic", steady))) == asked
    assert caplog.text.count("or set distill.cache: false. The run goes on, and asks the teacher anew") == 1


def _kept_by_two(folder: str) -> list[float]:
    steady = {"distill.teacher": str(Path(folder) / "teacher"), "distill.cache": True, "training.precision": "fp32"}
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    half = {"training.per_device_train_batch_size": 4, "model.config": config, "data.unlabelled": "validation"}
    return losses(train(smoke(Path(folder) / "two", {**steady, **half})))


def test_two_processes_share_the_answers(tmp_path):
    shutil.copytree(teacher(), tmp_path / "teacher")
    found = run_processes(2, _kept_by_two, str(tmp_path))[0]
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    more = {"data.unlabelled": "validation", "training.precision": "fp32"}
    alone = {"distill.teacher": TEACHER, "model.config": config, **more}
    assert found == pytest.approx(losses(train(smoke(tmp_path / "one", alone))), rel=1e-5)
    shards = list((tmp_path / "cache").rglob("teachers/*/*.npy"))
    assert len(shards) == 1


def test_a_cache_that_can_not_take_effect_is_refused(tmp_path):
    with pytest.raises(PlanError, match=r"distill\.cache can't take effect: the teacher's layers are compared"):
        train(smoke(tmp_path / "run", {"distill.teacher": TEACHER, "distill.cache": True, "distill.hidden": {}}))


def test_its_problem_must_be_that_of_the_data(tmp_path):
    def several(config):
        config["problem_type"] = "multi_label_classification"

    said = refusal(tmp_path, teacher=edited(tmp_path, "config.json", several))
    assert "was fine-tuned for multi_label_classification, and the data make a single_label_classification" in said


WIDER = {"distill.teacher": TEACHER, "distill.hidden": {}, "model.config": {"hidden_size": 16}}


def test_the_map_between_widths_is_kept_in_checkpoints_and_not_in_the_model(tmp_path):
    best = {"training.load_best_model_at_end": True, "training.metric_for_best_model": "loss"}
    recipe = smoke(tmp_path / "run", {**WIDER, **best, "training.save_total_limit": 5})
    trained = train(recipe)
    assert trained.best_step is not None
    checkpoint = load_file(tmp_path / f"run/checkpoints/checkpoint-{trained.best_step}/model.safetensors")
    saved = {name.removeprefix("model."): values for name, values in weights(recipe).items()}
    assert checkpoint.keys() - saved.keys() == {"distill_projection.weight", "distill_projection.bias"}
    for name, values in saved.items():
        np.testing.assert_array_equal(checkpoint[name], values, err_msg=name)
    _, info = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model", output_loading_info=True)
    assert not any(info.values())


def test_the_map_between_widths_learns(tmp_path):
    train(smoke(tmp_path / "run", {**WIDER, "training.save_total_limit": 5}))
    first, last = (
        load_file(tmp_path / f"run/checkpoints/checkpoint-{step}/model.safetensors")["distill_projection.weight"]
        for step in (6, 18)
    )
    assert first.shape == (32, 16)
    assert not np.array_equal(first, last)


def test_the_report_says_that_there_was_a_map(tmp_path):
    report = finetune(smoke(tmp_path / "run", WIDER)).report
    assert "a learned map brings hidden states of width 16 to the teacher's 32; it is not saved in model/" in " ".join(
        report["notes"]
    )
    size = sum(values.size for values in weights(smoke(tmp_path / "run", WIDER)).values())
    assert report["model"]["parameters"] == size


def test_the_time_in_which_the_answers_are_computed_is_the_run_s(tmp_path, monkeypatch):
    """Each time the answers are asked for, the run's clock leaps by an hour."""
    answer, hours = CachedTeacher.open, []
    clock = SimpleNamespace(
        perf_counter=lambda: time.perf_counter() + 3600 * len(hours), process_time=time.process_time
    )
    monkeypatch.setattr("hf_efficient.measure.stopwatch.time", clock)
    monkeypatch.setattr(CachedTeacher, "open", lambda *args: hours.append(None) or answer(*args))
    trained = train(smoke(tmp_path / "run", {"distill.teacher": TEACHER, "training.num_train_epochs": 1}))
    assert len(hours) == 1
    assert 3600 < trained.seconds < 7200
