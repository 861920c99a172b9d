"""Hosts of a test's own: network namespaces on one bridge (Debian's iproute2, as root)."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_NETWORK = "10.201.77"


def missing() -> str | None:
    """Why there can be none here."""
    if shutil.which("ip") is None:
        return "ip (Debian's iproute2) is not here"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    probe = f"hv{secrets.token_hex(3)}"
    if subprocess.run(
        ("ip", "netns", "add", probe), capture_output=True, check=False
    ).returncode:
        return "this machine lets nobody make network namespaces"
    _ip("netns", "del", probe)
    return None


class Hosts:
    """So many hosts with an address each, and a switch between them."""

    def __init__(self, count: int) -> None:
        self._mark = secrets.token_hex(3)
        self._switch = f"hv{self._mark}s"
        self._names = [f"hv{self._mark}{number}" for number in range(count)]

    def address(self, number: int) -> str:
        return f"{_NETWORK}.{number + 1}"

    def inside(self, number: int, *command: str) -> Sequence[str]:
        """A command as it is run on that host."""
        return ("ip", "netns", "exec", self._names[number], *command)

    def cut(self, number: int) -> None:
        """Pull the host's cable: what is sent goes nowhere, and nobody is told."""
        _ip("-n", self._switch, "link", "set", f"p{number}", "down")

    def mend(self, number: int) -> None:
        _ip("-n", self._switch, "link", "set", f"p{number}", "up")

    def build(self) -> None:
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "br0", "up")
        for number, name in enumerate(self._names):
            self._plug(number, name)

    def _plug(self, number: int, name: str) -> None:
        port = f"p{number}"
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", port)
        _ip("-n", name, "link", "set", port, "netns", self._switch)
        _ip("-n", self._switch, "link", "set", port, "master", "br0", "up")
        _ip("-n", name, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def remove(self) -> None:
        for name in (*self._names, self._switch):
            subprocess.run(("ip", "netns", "del", name), capture_output=True, check=False)


@contextmanager
def hosts(count: int) -> Iterator[Hosts]:
    """They are gone afterwards."""
    made = Hosts(count)
    try:
        made.build()
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True)
