"""Words to values: the sections of a recipe, its file, its overrides, and where every value came from.

Nothing here imports torch, transformers, datasets, accelerate or numpy.
"""

from __future__ import annotations

from hf_efficient.recipe.active import Active
from hf_efficient.recipe.augment import Augment
from hf_efficient.recipe.batching import Batching
from hf_efficient.recipe.curriculum import Curriculum
from hf_efficient.recipe.data import Columns, DataSection
from hf_efficient.recipe.distill import Distill
from hf_efficient.recipe.early_stopping import EarlyStopping
from hf_efficient.recipe.freeze import Freeze
from hf_efficient.recipe.hub import Hub
from hf_efficient.recipe.model import ModelSection
from hf_efficient.recipe.peft import Peft
from hf_efficient.recipe.prune import Prune
from hf_efficient.recipe.recipe import Recipe
from hf_efficient.recipe.section import Section
from hf_efficient.recipe.source import Source
from hf_efficient.recipe.task import TaskSection
from hf_efficient.recipe.training import TrainingSection

__all__ = [
    "Active",
    "Augment",
    "Batching",
    "Columns",
    "Curriculum",
    "DataSection",
    "Distill",
    "EarlyStopping",
    "Freeze",
    "Hub",
    "ModelSection",
    "Peft",
    "Prune",
    "Recipe",
    "Section",
    "Source",
    "TaskSection",
    "TrainingSection",
]
