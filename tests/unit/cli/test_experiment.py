from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection

import pytest

from hf_efficient.cli.experiment import end_with_parent

_context = multiprocessing.get_context("forkserver")


def _parent(alive: Connection) -> None:
    child = _context.Process(target=_child, args=(alive,))
    child.start()
    alive.close()
    child.join()


def _child(alive: Connection) -> None:
    end_with_parent()
    alive.send("here")
    time.sleep(60)


def test_a_run_ends_with_the_process_that_started_it():
    here, there = _context.Pipe(duplex=False)
    parent = _context.Process(target=_parent, args=(there,))
    parent.start()
    there.close()
    assert here.recv() == "here"
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    assert here.poll(30)  # the child's end is closed, and it held the last one
    with pytest.raises(EOFError):
        here.recv()
