"""Errors that come from a worker of the data loader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hf_efficient.errors import HfEfficientError


@contextmanager
def in_one_line() -> Iterator[None]:
    """Take away the traceback that torch 2.13 puts round the message of an error raised in a worker."""
    try:
        yield
    except HfEfficientError as error:
        message = str(error).rstrip()
        if "\n" not in message:
            raise
        raise type(error)(message.rpartition(f"{type(error).__name__}: ")[2]) from error
