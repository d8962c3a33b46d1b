from __future__ import annotations

import pytest

from hf_efficient.errors import PlanError
from hf_efficient.training.precision import Device, choose_precision

OLD_CPU = Device("cpu", "missing", tf32=False)
NEW_CPU = Device("cpu", "present", tf32=False)
AMX_CPU = Device("cpu", "fast", tf32=False)
AMPERE = Device("cuda", "fast", tf32=True)
TURING = Device("cuda", "missing", tf32=False)


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)


@pytest.mark.parametrize(
    ("device", "name"), [(OLD_CPU, "fp32"), (NEW_CPU, "fp32"), (AMX_CPU, "bf16"), (AMPERE, "bf16"), (TURING, "fp16")]
)
def test_auto_takes_what_the_device_does_fast_and_says_why(device, name):
    chosen = choose_precision("auto", device)
    assert chosen.name == name
    assert chosen.reason.startswith("auto: ")


@pytest.mark.parametrize(
    ("wanted", "device", "reason"),
    [
        ("bf16", OLD_CPU, "10 to 20 times slower"),
        ("fp16", NEW_CPU, "no effect on a CPU"),
        ("tf32", NEW_CPU, "Ampere"),
        ("tf32", TURING, "Ampere"),
    ],
)
def test_what_the_device_can_not_do_well_is_refused_with_the_reason(wanted, device, reason):
    with pytest.raises(PlanError, match=reason):
        choose_precision(wanted, device)


def test_slow_bf16_is_allowed_when_asked_for():
    assert choose_precision("bf16", OLD_CPU, allow_slow=True).arguments == {"bf16": True}


@pytest.mark.parametrize("device", [NEW_CPU, AMX_CPU])
def test_bf16_needs_no_permission_where_the_cpu_has_instructions_for_it(device):
    assert choose_precision("bf16", device).arguments == {"bf16": True}


def test_fp16_on_a_cpu_is_refused_even_when_slow_is_allowed():
    with pytest.raises(PlanError, match="no effect"):
        choose_precision("fp16", OLD_CPU, allow_slow=True)


def test_auto_follows_the_launcher(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert choose_precision("auto", NEW_CPU).name == "bf16"
    with pytest.raises(PlanError, match="accelerate launch --mixed_precision: bf16"):
        choose_precision("auto", OLD_CPU)


def test_a_recipe_that_contradicts_the_launcher_is_refused(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    with pytest.raises(PlanError, match=r"a\.yaml:3: training\.precision is fp32, and accelerate launch was told bf16"):
        choose_precision("fp32", NEW_CPU, place="a.yaml:3: training.precision")
