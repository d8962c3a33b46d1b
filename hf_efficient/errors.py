"""Every error that the package raises on purpose.

    HfEfficientError            exit 1   anything that the user can act on
    ├── RecipeError             exit 2   the words of a recipe: unknown key, wrong type, impossible setting
    ├── PlanError               exit 2   settings that contradict each other, the model, the data or the machine
    ├── DataError               exit 3   rows, columns or labels that can't be used
    ├── AssetError              exit 1   a pinned model or data set that can't be had or fails its checksum
    ├── RunDirectoryError       exit 1   a run directory that can't be read, written or continued
    ├── HubError                exit 1   a push that did not arrive
    └── TryAgainError           exit 75  a run that was cut off and goes on with the same command

Each message is one line: the place, what was expected, what was found, what to do. The command line prints it
without a traceback and ends with the exit code of its class.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

INTERRUPTED: Final = 130
"""The exit code of a command that was interrupted by Ctrl-C."""


class HfEfficientError(Exception):
    """An error that the user can act on; `exit_code` is the command's exit status."""

    exit_code = 1


class RecipeError(HfEfficientError):
    """The words of a recipe or an override are wrong."""

    exit_code = 2


class PlanError(HfEfficientError):
    """Settings contradict each other, the model, the data or the machine."""

    exit_code = 2


class DataError(HfEfficientError):
    """Rows, columns or labels can't be used."""

    exit_code = 3


class AssetError(HfEfficientError):
    """A pinned asset can't be had or does not match its checksum."""


class RunDirectoryError(HfEfficientError):
    """A run directory can't be read, written or continued."""


class HubError(HfEfficientError):
    """A push to the Hub did not arrive."""


class TryAgainError(HfEfficientError):
    """A run was cut off for a reason that is mended by now, and goes on with the same command."""

    exit_code = 75  # EX_TEMPFAIL of sysexits(3)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None if none is close."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean X?`, ready to append to a message, or the empty string."""
    match = nearest(word, known)
    return f" Did you mean {match}?" if match else ""
