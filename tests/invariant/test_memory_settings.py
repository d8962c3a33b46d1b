"""Settings that save memory leave what is learnt as it is, and do save it."""

from __future__ import annotations

import os

import pytest
import torch
from bitsandbytes.optim import GlobalOptimManager
from safetensors import safe_open
from torch._dynamo.utils import counters
from transformers import BertForSequenceClassification, PrinterCallback

from hf_efficient.losses import known_head
from hf_efficient.training.trainer import EfficientTrainer
from tests.tiny import Case, Seq2SeqCase, TokenCase
from tests.tiny_language_models import LanguageCase
from tests.trajectory import arguments, train

SETTINGS = {"per_device_train_batch_size": 4, "max_steps": 3}
CASES = [
    Case("bert", "single_label_classification", dropout=0.1),
    Case("vit", "single_label_classification"),
    TokenCase("distilbert"),
    Seq2SeqCase("t5", dropout=0.1),
    LanguageCase("llama"),
    LanguageCase("gpt2"),
]


def trajectory(case, tmp_path, **settings):
    """Loss and gradient norm of each step."""
    return train("efficient", case, 12, str(tmp_path), {**SETTINGS, **settings})[0]


def assert_close(found, expected, tolerance):
    assert len(expected) == 3
    for step, of in zip(found, expected, strict=True):
        assert step == pytest.approx(of, rel=tolerance)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("reentrant", [False, True])
def test_activation_checkpointing_gives_the_same_steps(case, reentrant, tmp_path):
    """Dropout is drawn again as it was."""
    settings = {"activation_checkpointing": True, "activation_checkpointing_kwargs": {"use_reentrant": reentrant}}
    assert_close(trajectory(case, tmp_path, **settings), trajectory(case, tmp_path), 1e-6)


def kept_for_the_backward_pass(trainer, rows):
    """Numbers that the graph of a micro-batch holds, weights aside."""
    weights = {weight.data_ptr() for weight in trainer.model.parameters()}
    kept = {}

    def pack(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    batch = trainer.data_collator(rows)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        trainer.compute_loss(trainer.model.train(), trainer._prepare_inputs(batch))
    return sum(kept.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_activation_checkpointing_keeps_less(case, tmp_path):
    kept = {}
    for checkpoints in (False, True):
        trainer = EfficientTrainer(
            model=case.make_model(),
            args=arguments(str(tmp_path), **SETTINGS, activation_checkpointing=checkpoints),
            data_collator=case.collator,
            train_dataset=case.rows(4),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()  # switches it on
        kept[checkpoints] = kept_for_the_backward_pass(trainer, case.rows(4))
    assert kept[True] < 0.5 * kept[False]


class OwnLoss(BertForSequenceClassification):
    """A model whose loss the trainer does not know."""


class OwnCase(Case):
    def make_model(self):
        model = super().make_model()
        own = OwnLoss(model.config)
        own.load_state_dict(model.state_dict())
        assert known_head(own) is None
        return own


BACKENDS = ["eager", *(["inductor"] if os.environ.get("HF_EFFICIENT_TEST_INDUCTOR") else [])]
"""Inductor compiles for a minute or more, and gives the same graphs to g++."""


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "case", [TokenCase("bert"), OwnCase("bert", "single_label_classification"), LanguageCase("llama")], ids=str
)
def test_a_compiled_model_gives_the_same_steps_in_two_graphs(case, backend, tmp_path):
    """The first batch is compiled for its shape, the second for any: batches differ in length."""
    torch._dynamo.reset()
    counters.clear()
    compiled = trajectory(case, tmp_path, torch_compile=True, torch_compile_backend=backend)
    graphs = counters["stats"]["unique_graphs"]
    assert_close(compiled, trajectory(case, tmp_path), 1e-5)
    assert 1 <= graphs <= 2


def test_a_compiled_model_is_saved_under_plain_names(tmp_path):
    case = Case("bert", "single_label_classification")
    args = arguments(str(tmp_path), **SETTINGS, torch_compile=True, torch_compile_backend="eager")
    trainer = EfficientTrainer(model=case.make_model(), args=args, train_dataset=case.rows(12))
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_model(str(tmp_path / "model"))
    with safe_open(tmp_path / "model" / "model.safetensors", framework="pt") as file:
        assert set(file.keys()) == set(case.make_model().state_dict())
    assert trainer.predict(case.rows(3)).predictions.shape == (3, 3)


def test_eight_bits_stay_close_to_32(tmp_path):
    """The state of 64 × 64 weights is rounded to 8 bits; the loss of a few steps hardly shows it."""
    case = EightBitCase("bert", "single_label_classification")
    exact = trajectory(case, tmp_path, optim="adamw_torch")
    rounded = trajectory(case, tmp_path, optim="adamw_8bit")
    assert rounded != exact
    assert_close(rounded, exact, 1e-2)


def test_eight_bits_do_not_depend_on_the_runs_before(tmp_path):
    case = EightBitCase("bert", "single_label_classification")
    first = trajectory(case, tmp_path, optim="adamw_8bit")
    # An earlier model had an embedding where this one has its first query matrix.
    GlobalOptimManager.get_instance().index2config[0, 3] = {"optim_bits": 32}
    assert trajectory(case, tmp_path, optim="adamw_8bit") == first


class EightBitCase(Case):
    def make_model(self):
        config = super().make_model().config
        config.hidden_size = 64
        torch.manual_seed(0)
        return BertForSequenceClassification(config)


def test_liger_is_not_told_to_skip_the_logits(tmp_path):
    """transformers 5.23 puts `skip_logits` into the inputs of an evaluation without metrics."""
    case = Case("bert", "single_label_classification")
    trainer = EfficientTrainer(model=case.make_model(), args=arguments(str(tmp_path)), train_dataset=case.rows(4))
    batch = torch.utils.data.default_collate(case.rows(4))
    told = trainer.compute_loss(trainer.model.eval(), {**batch, "skip_logits": True})
    assert told == trainer.compute_loss(trainer.model.eval(), batch)
