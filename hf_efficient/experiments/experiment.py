"""The words of an experiment: arms that differ in some settings, each run with several seeds, under each condition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from hf_efficient.errors import RecipeError, did_you_mean
from hf_efficient.recipe import Recipe
from hf_efficient.recipe.files import read_text
from hf_efficient.recipe.overrides import read_overrides
from hf_efficient.recipe.problems import messages
from hf_efficient.recipe.section import Section
from hf_efficient.recipe.source import Provenance, Source
from hf_efficient.recipe.tree import KeyPath
from hf_efficient.recipe.yaml import read_document

_NAME = re.compile(r"[a-zA-Z][\w.+-]*")
_ARM = re.compile(rf"\{{({_NAME.pattern})\}}")
_SEED = "{seed}"
"""A value that stands for the seed of the run."""
_OWNED = ("training.output_dir", "training.seed")
"""Settings that each run of an experiment is given."""


class Arm(Section):
    """One of the ways that are compared."""

    recipe: str | None = None
    """Its recipe, where it is not that of the experiment."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What is laid over the recipe: `training.learning_rate: 3e-4`. `{teacher}` in a value is the run directory that
    the arm `teacher` has with the same seed, and the value `"{seed}"` that seed: `data.seed: "{seed}"` draws other rows
    with each."""


class Condition(Section):
    """Circumstances under which all arms are compared, such as a number of rows."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """What is laid over the settings of the experiment, and below those of an arm."""


class Experiment(Section):
    """Arms, seeds and perhaps conditions: each choice of one of each is one run."""

    recipe: str = Field(min_length=1)
    """A recipe's file, or a shipped recipe."""
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    """`training.seed` of each repetition."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What is laid over the recipe in every arm."""
    arms: dict[str, Arm] = Field(min_length=1)
    """The ways that are compared, by name; one that uses another's run stands below it."""
    conditions: dict[str, Condition] = Field(default_factory=dict)
    """Circumstances under each of which every arm is run, by name."""
    control: str | None = None
    """The arm that the others are measured against, seed by seed: in the first metric of the test rows where there are
    some, else of the validation rows."""
    output_dir: str = ""
    """Where the runs and `results.jsonl` lie; by default `runs/` and the name of the file."""

    @property
    def results(self) -> Path:
        """One JSON object for each finished run."""
        return Path(self.output_dir).expanduser() / "results.jsonl"

    def cells(self) -> Iterator[Cell]:
        """All runs: the arms with the first seed, then with the second, and so on, under one condition and the next."""
        for condition in self.conditions or [None]:
            for seed in self.seeds:
                for name in self.arms:
                    yield self._cell(name, seed, condition)

    def _cell(self, name: str, seed: int, condition: str | None) -> Cell:
        arm = self.arms[name]
        around = {} if condition is None else self.conditions[condition].settings
        above = list(self.arms)[: list(self.arms).index(name)]
        directories = {other: str(self._directory(other, seed, condition)) for other in above}
        settings = {
            path: seed if value == _SEED else _filled(value, directories, f"arm {name}: {path}")
            for path, value in {**self.settings, **around, **arm.settings}.items()
        }
        place = {"training.seed": seed, "training.output_dir": str(self._directory(name, seed, condition))}
        return Cell(name, seed, arm.recipe or self.recipe, {**settings, **place}, condition)

    def _directory(self, arm: str, seed: int, condition: str | None) -> Path:
        return Path(self.output_dir).expanduser() / (condition or "") / arm / f"seed-{seed}"


@dataclass(frozen=True)
class Cell:
    """One run of an experiment."""

    arm: str
    seed: int
    recipe: str
    settings: Mapping[str, Any]
    condition: str | None = None

    @property
    def name(self) -> str:
        """What it is called before people."""
        return f"{f'{self.condition}, ' if self.condition else ''}{self.arm}, seed {self.seed}"

    @property
    def key(self) -> tuple[str | None, str, int]:
        """What tells it from the other runs: its condition, arm and seed."""
        return self.condition, self.arm, self.seed

    @property
    def directory(self) -> Path:
        """Its run directory."""
        return Path(self.settings["training.output_dir"])

    def load(self) -> Recipe:
        """Its recipe.

        Raises:
            RecipeError: one line for each thing that is wrong in it.
        """
        try:
            return Recipe.load(self.recipe, self.settings)
        except RecipeError as error:
            name = f"arm {self.arm}" + (f", {self.condition}" if self.condition else "")
            raise RecipeError("\n".join(f"{name}: {line}" for line in str(error).splitlines())) from error


def load_experiment(path: str | Path) -> Experiment:
    """The experiment in a YAML file.

    Raises:
        RecipeError: one line for each thing that is wrong, in the recipes of its arms too.
    """
    path = Path(path).expanduser()
    document = read_document(read_text(path), str(path))
    tree = {"output_dir": f"runs/{path.stem}", **document.tree}
    provenance = Provenance(Source(str(path)), {key: Source(str(path), line) for key, line in document.lines.items()})
    try:
        experiment = Experiment.model_validate(tree)
    except ValidationError as error:
        raise RecipeError("\n".join(messages(error, Experiment, tree, provenance))) from error
    if wrong := [f"{provenance.place(place)}: {message}" for place, message in _complaints(experiment)]:
        raise RecipeError("\n".join(dict.fromkeys(wrong)))
    for cell in experiment.cells():
        cell.load()
    return experiment


def _complaints(experiment: Experiment) -> Iterator[tuple[KeyPath, str]]:
    if len(set(experiment.seeds)) < len(experiment.seeds):
        yield ("seeds",), f"expected different seeds, found {', '.join(map(str, experiment.seeds))}."
    if experiment.control is not None and experiment.control not in experiment.arms:
        hint = did_you_mean(experiment.control, experiment.arms)
        yield ("control",), f"expected one of the arms, found {experiment.control!r}.{hint}"
    yield from _owned(("settings",), experiment.settings)
    for kind, named in (("arms", experiment.arms), ("conditions", experiment.conditions)):
        for name, part in named.items():
            if not _NAME.fullmatch(name):
                yield (
                    (kind, name),
                    f"expected a letter and then letters, digits and . + - _, as of a folder, found {name!r}.",
                )
            yield from _owned((kind, name, "settings"), part.settings)


def _owned(place: KeyPath, settings: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    given = {override.path for override in read_overrides(settings)}
    for owned in _OWNED:
        if tuple(owned.split(".")) in given:
            yield place, f"{owned} follows from seeds and output_dir; take it out."


def _filled(value: Any, directories: Mapping[str, str], place: str) -> Any:
    """A value with the run directories of other arms put in for their names."""
    if isinstance(value, list):
        return [_filled(item, directories, place) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, directories, place) for key, item in value.items()}
    return _ARM.sub(lambda match: _directory(match[1], directories, place), value) if isinstance(value, str) else value


def _directory(arm: str, directories: Mapping[str, str], place: str) -> str:
    if arm not in directories:
        known = f"; above it stand {', '.join(directories)}" if directories else ""
        raise RecipeError(
            f"{place} names the run of {arm!r}, which is no arm above it{known}.{did_you_mean(arm, directories)}"
        )
    return directories[arm]
