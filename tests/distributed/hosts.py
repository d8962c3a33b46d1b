"""Two hosts on one machine: network namespaces joined by a cable, each with its own address and no other way out."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

INTERFACE = "eth0"


@dataclass(frozen=True)
class Host:
    """A network namespace."""

    name: str
    address: str

    def start(self, command: list[str], environ: Mapping[str, str], folder: Path) -> subprocess.Popen:
        """A command on this host, in a process group of its own; what it says goes to a file."""
        with (folder / f"{self.name}.log").open("w") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *command],
                env={**os.environ, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def why_not() -> str | None:
    """Why two hosts can't be made here; None if they can."""
    if shutil.which("ip") is None:
        return "there is no `ip`: install the Debian package iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"hf{os.getpid()}p"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    _ip("netns", "del", probe)
    return None


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts that see each other, and nothing else, for as long as the block runs."""
    hosts = tuple(Host(f"hf{os.getpid()}{letter}", f"10.99.0.{i}") for i, letter in enumerate("ab", start=1))
    first, second = hosts
    with ExitStack() as stack:
        for host in hosts:
            _ip("netns", "add", host.name)
            stack.callback(_ip, "netns", "del", host.name)  # the cable goes with it
        cable = ("link", "add", INTERFACE, "netns", first.name, "type", "veth")
        _ip(*cable, "peer", "name", INTERFACE, "netns", second.name)
        for host in hosts:
            _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", INTERFACE)
            for interface in ("lo", INTERFACE):
                _ip("-n", host.name, "link", "set", interface, "up")
        yield first, second


def run_on(
    hosts: tuple[Host, Host], commands: list[list[str]], environ: Mapping[str, str], folder: Path, timeout: float
) -> list[tuple[int | None, str]]:
    """Exit status (None where time ran out) and output of a command on each host, all running at once."""
    running = [host.start(command, environ, folder) for host, command in zip(hosts, commands, strict=True)]
    try:
        for process in running:
            process.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                process.returncode = None
    return [(p.returncode, (folder / f"{h.name}.log").read_text()) for p, h in zip(running, hosts, strict=True)]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
