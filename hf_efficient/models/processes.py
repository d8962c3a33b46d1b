"""What the processes of a run tell one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from hf_efficient.errors import HfEfficientError

T = TypeVar("T")


def on_main_process(decide: Callable[[], T]) -> T:
    """Call a function on the first process and give its result, or raise its error, on every one."""
    state = PartialState()
    if state.num_processes == 1:
        return decide()
    answer: list[Any] = [None]
    if state.is_main_process:
        try:
            answer = [decide()]
        except HfEfficientError as error:
            answer = [error]
    broadcast_object_list(answer)
    if isinstance(answer[0], HfEfficientError):
        raise answer[0]
    return answer[0]  # type: ignore[no-any-return]


def on_every_process(ask: Callable[[], T]) -> list[T]:
    """What a function gives on each process, by rank, known to all."""
    answers: list[T] = gather_object([ask()])
    return answers
