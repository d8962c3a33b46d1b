"""Efficient fine-tuning with Hugging Face: more model quality for each second, dollar and kilowatt-hour.

    from hf_efficient import finetune

    outcome = finetune("configs/quickstart.yaml", {"training.learning_rate": 3e-4})
    print(outcome.metrics["accuracy"])

Importing the package loads no torch: each name is imported when it is first used.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_efficient.errors import HfEfficientError
    from hf_efficient.experiments.active.run import ActiveOutcome, active_learning
    from hf_efficient.recipe import Augment, Batching, Curriculum, Distill, EarlyStopping, Freeze, Peft, Prune, Recipe
    from hf_efficient.training.finetune import Outcome, finetune
    from hf_efficient.training.trainer import EfficientTrainer

__version__ = "0.1.0"

# bitsandbytes 0.50, which peft imports where it is installed, tells every user of a CPU of a package that it can do
# without, and at each step of a type that it casts.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

_HOMES = {
    "ActiveOutcome": "hf_efficient.experiments.active.run",
    "Augment": "hf_efficient.recipe",
    "Batching": "hf_efficient.recipe",
    "Curriculum": "hf_efficient.recipe",
    "Distill": "hf_efficient.recipe",
    "EarlyStopping": "hf_efficient.recipe",
    "EfficientTrainer": "hf_efficient.training.trainer",
    "Freeze": "hf_efficient.recipe",
    "HfEfficientError": "hf_efficient.errors",
    "Outcome": "hf_efficient.training.finetune",
    "Peft": "hf_efficient.recipe",
    "Prune": "hf_efficient.recipe",
    "Recipe": "hf_efficient.recipe",
    "active_learning": "hf_efficient.experiments.active.run",
    "finetune": "hf_efficient.training.finetune",
}

__all__ = [
    "ActiveOutcome",
    "Augment",
    "Batching",
    "Curriculum",
    "Distill",
    "EarlyStopping",
    "EfficientTrainer",
    "Freeze",
    "HfEfficientError",
    "Outcome",
    "Peft",
    "Prune",
    "Recipe",
    "active_learning",
    "finetune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
