"""The recipe: all that a run is told, in one frozen value."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Container, Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final, Self

from pydantic import PrivateAttr, ValidationError

from hf_efficient.errors import RecipeError
from hf_efficient.recipe.active import Active
from hf_efficient.recipe.augment import Augment
from hf_efficient.recipe.batching import Batching
from hf_efficient.recipe.checks import complaints, dormant
from hf_efficient.recipe.curriculum import Curriculum
from hf_efficient.recipe.data import DataSection
from hf_efficient.recipe.distill import Distill
from hf_efficient.recipe.early_stopping import EarlyStopping
from hf_efficient.recipe.emit import emit
from hf_efficient.recipe.files import find_recipe, read_text
from hf_efficient.recipe.freeze import Freeze
from hf_efficient.recipe.hub import Hub
from hf_efficient.recipe.model import ModelSection
from hf_efficient.recipe.overrides import Override, Overrides, lay_over, read_overrides
from hf_efficient.recipe.peft import RATE_FACTOR, Peft
from hf_efficient.recipe.problems import messages
from hf_efficient.recipe.prune import Prune
from hf_efficient.recipe.section import Section
from hf_efficient.recipe.source import API, Provenance, Source
from hf_efficient.recipe.task import TaskSection
from hf_efficient.recipe.training import TrainingSection
from hf_efficient.recipe.tree import KeyPath, Tree, dotted, leaves, nodes, plain, remove
from hf_efficient.recipe.yaml import read_document

OPERATIONAL: Final = (
    "active.file",
    "active.labeller",
    "hub",
    "training.allow_slow",
    "training.dataloader_multiprocessing_context",
    "training.dataloader_num_workers",
    "training.dataloader_persistent_workers",
    "training.dataloader_pin_memory",
    "training.dataloader_prefetch_factor",
    "training.ddp_timeout",
    "training.disable_tqdm",
    "training.eval_accumulation_steps",
    "training.include_num_input_tokens_seen",
    "training.log_level",
    "training.log_level_replica",
    "training.log_on_each_node",
    "training.logging_first_step",
    "training.logging_nan_inf_filter",
    "training.logging_steps",
    "training.logging_strategy",
    "training.output_dir",
    "training.project",
    "training.report_to",
    "training.resume_from_checkpoint",
    "training.run_name",
    "training.save_on_each_node",
    "training.save_total_limit",
    "training.skip_memory_metrics",
    "training.torch_empty_cache_steps",
    "training.trackio_bucket_id",
    "training.trackio_space_id",
    "training.trackio_static_space_id",
)
"""Settings, or whole sections, that decide how a run is done and seen, but not what comes out of it."""


class Recipe(Section):
    """A table of contents: the sections of a recipe's file, and where every value in them came from."""

    task: TaskSection = TaskSection()
    """What the model learns to do."""
    model: ModelSection
    """Which weights and which tokenizer."""
    data: DataSection = DataSection()
    """Which rows the model is trained and scored on."""
    training: TrainingSection = TrainingSection()
    """How the model is trained."""
    batching: Batching = Batching()
    """How rows are grouped into batches."""
    augment: Augment | None = None
    """More training rows out of those there are."""
    prune: Prune | None = None
    """Training on a share of the rows only."""
    curriculum: Curriculum | None = None
    """In which order rows come."""
    freeze: Freeze | None = None
    """Leaving a part of the model as it is."""
    peft: Peft | None = None
    """Training an adapter instead of the model."""
    distill: Distill | None = None
    """Learning from a teacher."""
    active: Active | None = None
    """Choosing which rows to label."""
    early_stopping: EarlyStopping | None = None
    """End the run when the metric has stopped getting better."""
    hub: Hub | None = None
    """Push the finished model."""

    _provenance: Provenance = PrivateAttr(default_factory=Provenance)
    _written: Tree = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, recipe: str | os.PathLike[str] | Mapping[str, Any] | Recipe, overrides: Overrides = ()) -> Recipe:
        """The recipe that a file, a shipped recipe's name, a mapping or a recipe stands for, with `overrides` over it.

        Raises RecipeError, one line for each thing that is wrong.
        """
        if isinstance(recipe, Recipe):
            return recipe.replace(overrides) if overrides else recipe
        if isinstance(recipe, Mapping):
            return cls.from_mapping(recipe, overrides)
        return cls.load(os.fspath(recipe), overrides)

    @classmethod
    def load(cls, path: str | Path, overrides: Overrides = ()) -> Self:
        """The recipe in the YAML file `path`, or the shipped recipe of that name, with `overrides` laid over it.

        Raises RecipeError, one line for each thing that is wrong.
        """
        file = find_recipe(path)
        document = read_document(read_text(file), str(file))
        lines = {key: Source(str(file), line) for key, line in document.lines.items()}
        for key in document.blank:
            if len(key) == 1 and key[0] in cls.model_fields:
                raise RecipeError(f"{lines[key]}: {key[0]} has no settings; write some, or take the line out.")
        return cls._build(document.tree, Provenance(Source(str(file)), lines), overrides, f"runs/{file.stem}")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], overrides: Overrides = ()) -> Self:
        """The recipe in a nested mapping, with `overrides` laid over it.

        Raises RecipeError, one line for each thing that is wrong.
        """
        tree = {key: plain(value, f"{API}: {key}") for key, value in mapping.items()}
        return cls._build(tree, Provenance(API, dict.fromkeys(nodes(tree), API)), overrides)

    def replace(self, overrides: Overrides, *, without: Iterable[str] = ()) -> Self:
        """This recipe with `overrides` laid over what was written, less what was written at some paths, checked again.

        Raises RecipeError, one line for each thing that is wrong.
        """
        written = copy.deepcopy(self._written)
        for path in without:
            remove(written, tuple(path.split(".")))
        return self._build(written, self._provenance, overrides, str(self.training.output_dir))

    @classmethod
    def _build(cls, tree: Tree, provenance: Provenance, overrides: Overrides, output_dir: str | None = None) -> Self:
        laid = read_overrides(overrides)
        _expand_task(tree)
        lay_over(tree, laid)
        _expand_task(tree)
        provenance = Provenance(provenance.root, _sources(tree, provenance, laid))
        resolved = _with_rate(_with_student(_on_steps(_with_output_dir(tree, output_dir))))
        try:
            return cls.model_validate(resolved, context=(tree, provenance))
        except ValidationError as error:
            raise RecipeError("\n".join(messages(error, cls, resolved, provenance))) from error

    def model_post_init(self, context: tuple[Tree, Provenance] | None) -> None:
        """Remember what was written, and check the settings against each other.

        Raises RecipeError, one line for each thing that is wrong.
        """
        if context is None:
            written = self.model_dump(mode="json", exclude_unset=True)
            context = written, Provenance(API, dict.fromkeys(nodes(written), API))
        self._written, self._provenance = context
        wrong = [f"{self.place(path)} {message}" for path, message in complaints(self)]
        if wrong:
            raise RecipeError("\n".join(wrong))

    def gives(self, path: str) -> bool:
        """Whether somebody wrote a value at `path`; null, false and 0 leave a setting off."""
        keys = tuple(path.split("."))
        return keys in self._provenance.given and bool(reduce(getattr, keys, self))

    def place(self, path: str) -> str:
        """Where the value at `path` was written, to begin a message: `configs/a.yaml:12: training.seed`."""
        return f"{self._provenance.source(tuple(path.split('.')))}: {path}"

    @property
    def virtual_tokens(self) -> int:
        """Learnt tokens that stand before each row."""
        return 0 if self.peft is None else int(self.peft.settings.get("num_virtual_tokens", 0))

    @property
    def sources(self) -> dict[str, Source]:
        """The source of every value that `to_mapping` holds, by dotted path."""
        return {dotted(path): self._provenance.source(path) for path, _ in leaves(self.to_mapping())}

    def to_mapping(self) -> Tree:
        """All resolved values in nested dicts and lists, without those that can't take effect beside the others."""
        tree: Tree = self.model_dump(mode="json")
        for *outer, key in dormant(self):
            section: Tree | None = tree
            for name in outer:
                section = section and section.get(name)  # not there, or out with what is around it
            if section is not None:
                section.pop(key, None)
        return tree

    def dump(self) -> str:
        """The resolved recipe as YAML 1.2, the source of each value behind it; loads back to an equal recipe."""
        return emit(self.to_mapping(), lambda path: self._provenance.source(path).short)

    def digest(self, *, without: Container[str] = ()) -> str:
        """A hash, the same on every machine, of all values that decide the result, less those at some paths."""
        deciding = {path: value for path, value in self._deciding().items() if path not in without}
        values = json.dumps(deciding, sort_keys=True)
        return hashlib.sha256(values.encode()).hexdigest()[:16]

    def differences(self, other: Recipe) -> list[str]:
        """One phrase for each value that decides the result and is not the same in `other`, naming both."""
        mine, its = self._deciding(), other._deciding()
        return [
            f"{path}: {json.dumps(mine.get(path))} here, {json.dumps(its.get(path))} there"
            for path in sorted(mine.keys() | its.keys())
            if mine.get(path) != its.get(path)
        ]

    def _deciding(self) -> dict[str, Any]:
        flat = {dotted(path): value for path, value in leaves(self.to_mapping())}
        return {path: value for path, value in flat.items() if not _is_operational(path)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.to_mapping() == other.to_mapping()

    def __hash__(self) -> int:
        return hash(self.digest())


def _sources(tree: Tree, before: Provenance, overrides: list[Override]) -> dict[KeyPath, Source]:
    """The source of every key in `tree`, over which `overrides` have been laid."""
    return {path: _source(path, before.given, overrides) for path in nodes(tree)}


def _source(path: KeyPath, before: Mapping[KeyPath, Source], overrides: list[Override]) -> Source:
    within = [override.source for override in overrides if path[: len(override.path)] == override.path]
    around = [override.source for override in overrides if override.path[: len(path)] == path]
    if within or path in before:
        return within[-1] if within else before[path]
    # A section that an override made, or the type that `task: type` stands for.
    return around[-1] if around else before[path[:-1]]


def _expand_task(tree: Tree) -> None:
    """Read the shorthand `task: text-classification`."""
    if isinstance(tree.get("task"), str):
        tree["task"] = {"type": tree["task"]}


def _with_output_dir(tree: Tree, output_dir: str | None) -> Tree:
    """`tree` with a directory for the run, if it names none."""
    training = tree.get("training", {})
    if output_dir is None or not isinstance(training, dict) or "output_dir" in training:
        return tree
    return {**tree, "training": {**training, "output_dir": output_dir}}


def _on_steps(tree: Tree) -> Tree:
    """`tree`, a stream scored and saved at each tenth of its steps unless it says otherwise: its epochs are unknown."""
    data, training = tree.get("data"), tree.get("training", {})
    if not isinstance(data, dict) or data.get("streaming") is not True or not isinstance(training, dict):
        return tree
    for kind in ("eval", "save"):
        training = {f"{kind}_strategy": "steps", **training}
        if training[f"{kind}_strategy"] == "steps":
            training = {f"{kind}_steps": 0.1, **training}
    return {**tree, "training": training}


def _with_student(tree: Tree) -> Tree:
    """`tree` with the teacher for its model, if the student is to be made from it."""
    distill, model = tree.get("distill"), tree.get("model", {})
    if not isinstance(distill, dict) or not distill.get("student") or not isinstance(model, dict) or "name" in model:
        return tree
    teacher = distill.get("teacher")
    return {**tree, "model": {**model, "name": teacher[0] if isinstance(teacher, list) and teacher else teacher}}


def _with_rate(tree: Tree) -> Tree:
    """`tree` with the learning rate of adapters, if there is one and nobody wrote a rate."""
    training = tree.get("training", {})
    if not isinstance(tree.get("peft"), dict) or not isinstance(training, dict) or "learning_rate" in training:
        return tree
    rate = RATE_FACTOR * TrainingSection.model_fields["learning_rate"].default
    return {**tree, "training": {**training, "learning_rate": rate}}


def _is_operational(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in OPERATIONAL)
