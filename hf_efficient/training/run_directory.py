"""The run directory: what lies where, and what a second run into it may do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from hf_efficient.data.files import first_line
from hf_efficient.data.fingerprint import local_files
from hf_efficient.errors import RecipeError, RunDirectoryError
from hf_efficient.report.write import write_whole

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe


LOCK = ".lock"
"""File that a running process holds."""
ACTIVE = "active"
"""Folder of the loop that has chosen the run's rows, if one has."""


@dataclass(frozen=True)
class RunDirectory:
    """Names of the parts of a run's `output_dir`."""

    path: Path

    @classmethod
    def of(cls, recipe: Recipe) -> RunDirectory:
        """The directory that a recipe runs in."""
        return cls(Path(recipe.training.output_dir).expanduser())

    @property
    def model(self) -> Path:
        """The trained model, its tokenizer and configuration; plain transformers loads it."""
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        """The trained adapter and head as peft saves them; peft loads it on the model that the run began with."""
        return self.path / "adapter"

    @property
    def base(self) -> Path:
        """In place of `model`, what an adapter that can't be merged is loaded on."""
        return self.path / "base"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints to resume from."""
        return self.path / "checkpoints"

    @property
    def recipe(self) -> Path:
        """The resolved recipe with the source of each value."""
        return self.path / "recipe.yaml"

    @property
    def data_files(self) -> Path:
        """Hashes of the local files that the run's rows come from."""
        return self.path / "data_files.json"

    @property
    def report(self) -> Path:
        """The report for programs; it is written last and marks the run as finished."""
        return self.path / "report.json"

    @property
    def micro_batch(self) -> Path:
        """The size of a micro-batch that was found for the run, where its recipe leaves it open."""
        return self.path / "micro_batch.json"

    @property
    def log(self) -> Path:
        """One JSON object for each line that was logged."""
        return self.path / "log.jsonl"

    def holds_work(self) -> bool:
        """Whether there is anything of an earlier run that took training to make."""
        return self.report.exists() or self.model.exists() or self.base.exists() or any(self.checkpoints.glob("*"))


@dataclass(frozen=True)
class Opening:
    """What is to be done in a run directory: start, go on from a checkpoint, or nothing since the run is finished."""

    resume_from: Path | None = None
    finished: bool = False
    notes: tuple[str, ...] = ()


def open_run(run: RunDirectory, recipe: Recipe, *, comparable: bool = True) -> Opening:
    """Decide what a run of `recipe` does in its directory, and leave its resolved recipe there.

    Args:
        run: the directory; it is made if it does not exist.
        recipe: the recipe that is about to run.
        comparable: False where Python objects take part that no recipe describes, so that a directory with an
            earlier run can't be known to be of the same data and model.

    Raises:
        RunDirectoryError: the directory can't be written, holds something else, or a run of another recipe.
    """
    _make_writable(run.path)
    present = sorted(e.name for e in run.path.iterdir() if e.suffix != ".partial" and e.name not in (LOCK, ACTIVE))
    if present and not run.recipe.is_file():
        raise RunDirectoryError(
            f"{run.path} is not empty and holds no run (found {', '.join(present[:3])}); "
            "choose another training.output_dir."
        )
    if not run.holds_work():  # nothing yet, or a start that failed before its first checkpoint
        return _start(run, recipe)
    _refuse_another_recipe(run, recipe, comparable)
    _refuse_other_rows(run, recipe)
    if run.report.is_file():
        return Opening(finished=True)
    return _continue(run, recipe)


@contextmanager
def held(run: RunDirectory) -> Iterator[None]:
    """Keeps other processes out of a run directory until the block ends.

    Raises:
        RunDirectoryError: another process is running there, or the directory can't be written.
    """
    _make_writable(run.path)
    lock = FileLock(run.path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunDirectoryError(
            f"{run.path}: another process is running there; wait for it, or choose another training.output_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()
        (run.path / LOCK).unlink(missing_ok=True)


def _make_writable(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RunDirectoryError(
            f"training.output_dir {path} can't be written ({error.strerror}); choose another one."
        ) from error


def _start(run: RunDirectory, recipe: Recipe) -> Opening:
    from hf_efficient.training.checkpoint import missing_from

    named = recipe.training.resume_from_checkpoint
    if named is not None and (lack := missing_from(Path(named))) is not None:
        raise RunDirectoryError(
            f"{recipe.place('training.resume_from_checkpoint')}: {named} is not a whole checkpoint: {lack}."
        )
    write_whole(run.recipe, recipe.dump())
    write_whole(run.data_files, json.dumps(local_files(recipe.data), indent=2) + "\n")
    return Opening(resume_from=None if named is None else Path(named))


def _refuse_another_recipe(run: RunDirectory, recipe: Recipe, comparable: bool) -> None:
    from hf_efficient.recipe import Recipe

    if not comparable:
        raise RunDirectoryError(
            f"{run.path} holds a run already, and objects passed from Python can't be compared with it; "
            "choose another training.output_dir."
        )
    try:
        earlier = Recipe.load(str(run.recipe))
    except RecipeError as error:
        raise RunDirectoryError(
            f"{run.path} holds a run whose recipe.yaml can't be read ({first_line(error)}); "
            "choose another training.output_dir."
        ) from error
    if earlier.digest() != recipe.digest():
        changes = earlier.differences(recipe)
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise RunDirectoryError(
            f"{run.path} holds a run of another recipe: {'; '.join(changes[:3])}{more}. "
            "Choose another training.output_dir, or give the earlier settings to go on with it."
        )


def _refuse_other_rows(run: RunDirectory, recipe: Recipe) -> None:
    try:
        earlier = json.loads(run.data_files.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing is known of them
        return
    found = local_files(recipe.data)
    changed = sorted(name for name in earlier.keys() & found.keys() if earlier[name] != found[name])
    if changed:
        raise RunDirectoryError(
            f"{run.path} holds a run on other rows: {', '.join(changed)} has changed since it began. "
            "Choose another training.output_dir."
        )


def _continue(run: RunDirectory, recipe: Recipe) -> Opening:
    from hf_efficient.training.checkpoint import newest_complete

    if recipe.training.save_only_model and any(run.checkpoints.glob("*")):
        raise RunDirectoryError(
            f"{run.path} holds an interrupted run that can't go on: with training.save_only_model its checkpoints "
            "have no optimizer; choose another training.output_dir."
        )
    checkpoint, damaged = newest_complete(run.checkpoints)
    notes = []
    for path, lack in damaged:
        shutil.rmtree(path)
        notes.append(f"{path.name} was left incomplete ({lack}) and has been removed")
    if checkpoint is None:
        opening = _start(run, recipe)
        return Opening(opening.resume_from, notes=(*notes, "no whole checkpoint was found: the run starts again"))
    return Opening(checkpoint, notes=(*notes, f"the run goes on from {checkpoint.name}"))
