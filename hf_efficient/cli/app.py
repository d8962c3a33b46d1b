"""`hf-efficient`: the list of commands, and how they end."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from hf_efficient import __version__
from hf_efficient.errors import INTERRUPTED, HfEfficientError, TryAgainError, did_you_mean

COMMANDS: Final = (
    "finetune",
    "validate",
    "explain",
    "augment",
    "evaluate",
    "predict",
    "merge",
    "schema",
    "assets",
    "init",
    "push",
    "experiment",
    "active",
)
"""Each is a module beside this one, which holds a function of that name, or a `typer.Typer` called `app`.

A module is imported when its command, or the help, is asked for; whatever is heavy is imported within the function.
"""

_GOING_ON: Final = ("finetune", "experiment", "active")
"""Commands that go on where they were cut off."""


class _Commands(TyperGroup):
    """The commands of the list, each imported when it is first needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f" The commands are {', '.join(COMMANDS)}."
            ctx.fail(f"{args[0]} is not a command.{hint}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Commands,
    name="hf-efficient",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def hf_efficient(
    ctx: typer.Context, version: bool = typer.Option(False, "--version", help="Show the version.")
) -> None:
    """Efficient fine-tuning with Hugging Face."""
    if version:
        typer.echo(f"hf-efficient {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> None:
    """Run the command line and exit with its status; an error that the user can act on is one line on stderr."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit status of `hf-efficient` with these arguments."""
    try:
        status = typer.main.get_command(app)(arguments, prog_name="hf-efficient", standalone_mode=False)
    except TryAgainError as error:  # each process has its own reason, or is the only one that has
        return _report(str(error), error.exit_code, everywhere=True)
    except HfEfficientError as error:
        return _report(str(error), error.exit_code)
    except TyperException as error:
        return _report(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _report(_interrupted(arguments), INTERRUPTED)
    if status == INTERRUPTED:
        return _report(_interrupted(arguments), INTERRUPTED)
    return status if isinstance(status, int) else 0


def _interrupted(arguments: list[str]) -> str:
    goes_on = arguments and arguments[0] in _GOING_ON
    return "interrupted" + ("; the same command goes on from the newest checkpoint" if goes_on else "")


def _command(name: str) -> Any:
    module = import_module(f"hf_efficient.cli.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False, rich_markup_mode=None)
        group.command(name)(getattr(module, name))
    return typer.main.get_command(group)


def _report(message: str, status: int, *, everywhere: bool = False) -> int:
    """Print an error once, however many processes meet it, or on every one; gives back `status`."""
    if everywhere or os.environ.get("RANK", "0") == "0":
        for line in message.splitlines():
            print(f"error: {line}", file=sys.stderr)
    return status
