from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from hf_efficient.errors import PlanError
from hf_efficient.training import cores
from hf_efficient.training.cores import share_cores, threads_beside, usable_cores


@pytest.fixture
def machine(monkeypatch):
    """A function that shares the cores of a machine, and gives the note and torch's threads."""
    threads = torch.get_num_threads()

    def machine(num_cores, *, workers=0, processes=1, threads=8):
        monkeypatch.setattr(cores, "usable_cores", lambda: num_cores)
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        torch.set_num_threads(threads)
        note = share_cores(SimpleNamespace(dataloader_num_workers=workers), "a.yaml:1: {}".format)
        return note, torch.get_num_threads()

    yield machine
    torch.set_num_threads(threads)


def test_threads_and_workers_of_all_processes_fit_the_cores():
    for num_cores in range(1, 17):
        for processes in range(1, num_cores + 1):
            for workers in range(num_cores // processes):
                assert processes * (threads_beside(workers, processes, num_cores) + workers) <= num_cores
    assert threads_beside(2, 1, 8) == 6
    assert threads_beside(1, 2, 8) == 3
    assert threads_beside(2, 1, 2) == 1


def test_torch_leaves_cores_to_workers_and_says_so(machine):
    assert machine(8) == (None, 8)
    assert machine(8, workers=2) == ("torch computes with 6 of 8 cores: 2 workers and 1 processes share them", 6)
    assert machine(8, workers=1, processes=2)[1] == 3


def test_fewer_threads_stay(machine):
    assert machine(8, workers=2, threads=1) == (None, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 3}, "expected at most 2 on 2 cores, found 3"),
        ({"workers": 2, "processes": 2}, "expected at most 1 for each of 2 processes on 2 cores, found 2"),
    ],
)
def test_more_workers_than_cores_are_refused(settings, message, machine):
    with pytest.raises(PlanError, match=rf"^a.yaml:1: training.dataloader_num_workers: {message}$"):
        machine(2, **settings)
    assert machine(2, workers=2, threads=1) == (None, 1)


def test_this_machine_has_cores():
    assert usable_cores() >= 1
