"""How many processes this run really has, on what, and how they agree."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from hf_efficient.errors import HfEfficientError

T = TypeVar("T")

_LOST = re.compile(r"Connection (closed|reset) by peer")
"""In messages of gloo, which has no exception of its own (torch 2.13)."""


@dataclass(frozen=True)
class Launch:
    """The processes of a run as torch sees them, whatever the launcher was asked for."""

    world_size: int
    device: str
    backend: str | None

    @classmethod
    def current(cls, args: Any) -> Launch:
        """The launch that `TrainingArguments` has set up."""
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        backend = torch.distributed.get_backend() if distributed else None
        return cls(args.world_size, args.device.type, backend)


def local_world_size() -> int:
    """Processes of this run on this machine, as the launcher says."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def lost_process(error: BaseException) -> bool:
    """Whether this is how a process learns that another one of its group has ended."""
    if isinstance(error, torch.distributed.DistBackendError):
        return True
    return isinstance(error, RuntimeError) and _LOST.search(str(error)) is not None


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
