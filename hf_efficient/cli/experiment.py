"""`hf-efficient experiment`: arms of an experiment over several seeds."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import threading
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hf_efficient.cli.console import say

if TYPE_CHECKING:
    from hf_efficient.experiments.experiment import Cell

STDERR: Final = 2

File = Annotated[
    str, typer.Argument(metavar="FILE", help="An experiment: a recipe, arms and seeds.", show_default=False)
]


def experiment(file: File) -> None:
    """Run every arm of an experiment with every seed; rows that are written already are kept."""
    from hf_efficient.errors import HfEfficientError
    from hf_efficient.experiments import load_experiment, run_experiment
    from hf_efficient.report.arms import print_arms

    loaded = load_experiment(file)
    rows = run_experiment(loaded, _in_own_process, say)
    if rows:
        print_arms(rows, control=loaded.control)
    typer.echo(f"One row for each run: {loaded.results}")
    missing = len(list(loaded.cells())) - len(rows)
    if missing:
        raise HfEfficientError(f"{missing} of the runs failed, as said above; the same command tries them again.")


def _in_own_process(cell: Cell) -> int:
    """The exit status of the cell's run in a process of its own, whose table is left out.

    It is forked from a server that has imported the libraries once, which takes longer than many a run.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hf_efficient.training.finetune"])
    settings = [f"{path}={json.dumps(value)}" for path, value in cell.settings.items()]
    arguments = (dict(os.environ), Path.cwd(), DupFd(STDERR), ["finetune", cell.recipe, *settings])
    process = context.Process(target=_run, args=arguments)
    process.start()
    process.join()
    return process.exitcode or 0


def _run(environment: dict[str, str], folder: Path, stderr: Any, arguments: list[str]) -> None:
    from hf_efficient.cli.app import run

    end_with_parent()
    os.environ.update(environment)  # those of the server are from when it was started, as are folder and stderr
    os.chdir(folder)
    os.dup2(stderr.detach(), STDERR)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        status = run(arguments)
    raise SystemExit(status)


def end_with_parent() -> None:
    """Have this process of multiprocessing's end when the one that started it does, killed or not."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
