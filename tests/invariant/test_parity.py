"""With no technique, at accumulation 1 and one process, `EfficientTrainer` is the stock `Trainer`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from transformers import PrinterCallback

from hf_efficient.training.trainer import EfficientTrainer
from tests.tiny import MODELS, PROBLEMS, Case, TokenCase
from tests.trajectory import arguments, train

SETTINGS = {"per_device_train_batch_size": 4, "max_steps": 20, "warmup_steps": 3, "max_grad_norm": 1.0}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_losses_and_gradient_norms_are_the_stock_trainers(model, problem, tmp_path):
    case = Case(model, problem, dropout=0.1)
    stock, _ = train("stock", case, 80, str(tmp_path), SETTINGS)
    ours, _ = train("efficient", case, 80, str(tmp_path), SETTINGS)
    assert len(stock) == 20
    for step, expected in zip(ours, stock, strict=True):
        assert step == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model", ["bert", "distilbert"])
def test_tokens_are_the_stock_trainers_too(model, tmp_path):
    stock, _ = train("stock", TokenCase(model), 80, str(tmp_path), SETTINGS)
    ours, _ = train("efficient", TokenCase(model), 80, str(tmp_path), SETTINGS)
    assert len(stock) == 20
    for step, expected in zip(ours, stock, strict=True):
        assert step == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_is_the_stock_trainers(tmp_path):
    case = Case("bert", "single_label_classification")
    settings = {**SETTINGS, "label_smoothing_factor": 0.2}
    stock, _ = train("stock", case, 80, str(tmp_path), settings)
    ours, _ = train("efficient", case, 80, str(tmp_path), settings)
    plain, _ = train("efficient", case, 80, str(tmp_path), SETTINGS)
    assert ours[0] == pytest.approx(stock[0], rel=1e-5)
    assert ours[-1] == pytest.approx(stock[-1], rel=1e-5)
    assert ours[0][0] != pytest.approx(plain[0][0], rel=1e-5)


def run(cls: type, output_dir: Path, resume: Path | None = None, max_steps: int = 8) -> transformers.Trainer:
    case = Case("bert", "single_label_classification", dropout=0.1)
    args = arguments(
        str(output_dir), per_device_train_batch_size=4, max_steps=max_steps, save_strategy="steps", save_steps=4
    )
    trainer = cls(model=case.make_model(), args=args, train_dataset=case.rows(40))
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    return trainer


@pytest.mark.parametrize(
    ("first", "second"), [(transformers.Trainer, EfficientTrainer), (EfficientTrainer, transformers.Trainer)]
)
def test_a_checkpoint_of_one_goes_on_in_the_other(first, second, tmp_path):
    whole = run(first, tmp_path / "first")
    resumed = run(second, tmp_path / "second", resume=tmp_path / "first" / "checkpoint-4")
    assert resumed.state.global_step == 8
    for name, weight in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], weight, rtol=1e-4, atol=1e-6)


def test_what_it_saves_loads_with_plain_transformers(tmp_path):
    trainer = run(EfficientTrainer, tmp_path / "run", max_steps=4)
    trainer.save_model(str(tmp_path / "model"))
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    ids = torch.tensor([[4, 5, 6]])
    trainer.model.eval()
    torch.testing.assert_close(loaded(input_ids=ids).logits, trainer.model(input_ids=ids).logits)


def test_the_problem_type_is_guessed_and_saved_as_transformers_does(tmp_path):
    for problem in PROBLEMS:
        case = Case("bert", problem)
        model = case.make_model()
        model.config.problem_type = None
        trainer = EfficientTrainer(model=model, args=arguments(str(tmp_path), max_steps=1), train_dataset=case.rows(8))
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        assert model.config.problem_type == problem


def test_a_users_own_loss_function_keeps_the_stock_reduction(tmp_path):
    def loss(outputs, labels, num_items_in_batch=None):
        return torch.nn.functional.cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch

    case = Case("bert", "single_label_classification")
    stock, _ = train("stock", case, 80, str(tmp_path), SETTINGS, compute_loss_func=loss)
    ours, _ = train("efficient", case, 80, str(tmp_path), SETTINGS, compute_loss_func=loss)
    assert ours == stock
