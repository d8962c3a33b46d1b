"""Real processes for tests of several: forked from a server that has imported the Trainer once."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["hf_efficient.training.finetune", "tests.tiny"])


def run_processes(world_size: int, function: Callable[..., Any], *arguments: Any, timeout: float = 120) -> list[Any]:
    """What `function(*arguments)` gives in each of `world_size` processes that torch sees as one group, by rank."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        children = [
            _context.Process(
                target=_child, args=(dict(os.environ), rank, world_size, port, folder, function, arguments)
            )
            for rank in range(world_size)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(timeout)
            if child.is_alive():
                child.kill()
        results = [_read(Path(folder) / str(rank), children[rank].exitcode) for rank in range(world_size)]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class ChildError(AssertionError):
    """A test process failed; its traceback is the message."""


def _read(path: Path, exitcode: int | None) -> Any:
    if not path.exists():
        return ChildError(f"the process ended with {exitcode} and no result")
    return pickle.loads(path.read_bytes())


def _child(
    environment: dict[str, str],
    rank: int,
    world_size: int,
    port: int,
    folder: str,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    os.environ.update(environment)  # the server's own is that of the test that has started it
    os.environ["OMP_NUM_THREADS"] = "1"
    if world_size > 1:
        os.environ.update(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(world_size),
            LOCAL_WORLD_SIZE=str(world_size),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
        )
    try:
        result = function(*arguments)
        if world_size > 1:
            import torch.distributed

            assert torch.distributed.get_world_size() == world_size
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()
    except BaseException:
        result = ChildError(traceback.format_exc())
    (Path(folder) / str(rank)).write_bytes(pickle.dumps(result))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
