from __future__ import annotations

import pytest

from hf_efficient.training.learning_rates import learning_rates, parameter_groups
from hf_efficient.training.trainer import EfficientTrainer
from tests.tiny import Case
from tests.trajectory import arguments, train
from tests.unit.models.test_student import teacher

CASE = Case("bert", "single_label_classification")


def rates(**wish) -> dict[str, float]:
    return learning_rates(teacher("bert"), 1e-3, **wish)


def test_each_layer_has_a_share_of_the_one_above_it():
    found = rates(layer_decay=0.5)
    assert found["classifier.weight"] == 1e-3
    assert found["bert.encoder.layer.3.output.dense.weight"] == 1e-3
    assert found["bert.encoder.layer.0.output.dense.weight"] == pytest.approx(1e-3 / 8)
    assert found["bert.embeddings.word_embeddings.weight"] == pytest.approx(1e-3 / 16)


def test_the_head_has_a_rate_of_its_own():
    found = rates(head=1e-2)
    assert found["classifier.bias"] == found["bert.pooler.dense.weight"] == 1e-2
    assert found["bert.encoder.layer.3.output.dense.weight"] == 1e-3


def test_groups_hold_every_trained_parameter_once_the_highest_rate_first():
    model = teacher("bert")
    model.bert.embeddings.requires_grad_(False)
    groups = parameter_groups(model, rates(layer_decay=0.5), {"classifier.weight"}, 0.1)
    assert [group["lr"] for group in groups] == [1e-3, 1e-3, 5e-4, 2.5e-4, 1.25e-4]
    assert groups[0]["weight_decay"] == 0.1
    assert [id(weight) for weight in groups[0]["params"]] == [id(model.classifier.weight)]
    assert sum(len(group["params"]) for group in groups) == sum(w.requires_grad for w in model.parameters())


def test_the_schedule_multiplies_each_rate(tmp_path):
    model = CASE.make_model()
    trainer = EfficientTrainer(
        model,
        arguments(str(tmp_path), max_steps=2, lr_scheduler_type="linear"),
        train_dataset=CASE.rows(32),
        learning_rates=learning_rates(model, 1e-3, layer_decay=0.5),
    )
    trainer.create_optimizer_and_scheduler(2)
    before = [group["lr"] for group in trainer.optimizer.param_groups]
    trainer.optimizer.step()
    trainer.lr_scheduler.step()
    after = [group["lr"] for group in trainer.optimizer.param_groups]
    assert after == pytest.approx([rate / 2 for rate in before])
    assert len(set(before)) == 3  # top and head, the lower layer, the embeddings


def test_equal_rates_are_the_plain_run(tmp_path):
    settings = {"max_steps": 4}
    plain, _ = train("efficient", CASE, 32, str(tmp_path), settings)
    model = CASE.make_model()
    same, _ = train(
        "efficient", CASE, 32, str(tmp_path), settings, model=model, learning_rates=learning_rates(model, 1e-3)
    )
    assert same == plain
