"""`haven up` as a person runs it: a process of its own, killed, stopped and started again.

One data folder for the whole module. The tests run in their order: what an earlier start
left behind is what a later one finds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controllers.running import RunNote, is_alive, read_note
from controllers.settings import Settings
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone, Refused
from core.errors import Unavailable
from tests.scenarios.searching import files_below, found_in
from tests.scenarios.small import Small, gather_small
from tests.support.installation import free_port_base
from tests.support.waiting import until

pytestmark = pytest.mark.agents

HAVEN = (sys.executable, "-c", "from controllers.cli import main; main()")
STOP_SECONDS = 40
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere a clean stop has to do"
)


@dataclass
class Home:
    """A data folder, and the `haven up` that may run on it."""

    settings: Settings
    process: subprocess.Popen[str] | None = None
    small: Small | None = None
    phone: Phone | None = None
    planted: dict[str, str] = field(default_factory=dict)

    def up(self) -> None:
        """Start, and return when it says that everything runs."""
        self.process = self.popen("up")
        for line in self.process.stdout or ():  # ends with the process, should that fall
            if line.startswith("Running."):
                return
        raise Unavailable(f"haven up did not start: {self.process.wait()}")

    def popen(self, command: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(command, *options),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def haven(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself, with all that it printed."""
        return subprocess.run(
            self._command(command, *options),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to `haven up`; its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    @property
    def note(self) -> RunNote:
        found = read_note(self.settings.data_dir)
        assert found is not None
        return found

    @property
    def pids(self) -> dict[str, int | None]:
        return {child.name: child.pid for child in self.note.children}

    def _command(self, command: str, *options: str) -> list[str]:
        if not options:
            options = ("--data", str(self.settings.data_dir))
        return [*HAVEN, command, *options]

    def _environment(self) -> dict[str, str]:
        mine = {
            "HAVEN_PORT_BASE": str(self.settings.port_base),
            "HAVEN_REGISTRY_SIZE": "16",
            "COLUMNS": "200",
        }
        return {**os.environ, **mine}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    data_dir = tmp_path_factory.mktemp("lifecycle") / "data"
    made = Home(Settings(data_dir=data_dir, port_base=free_port_base(), registry_size=16))
    made.up()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.signal(signal.SIGTERM)


async def all_gone(pids: dict[str, int | None]) -> None:
    """Return once none of these processes is there any more."""

    async def living() -> list[str]:
        return [name for name, pid in pids.items() if is_alive(pid)]

    await until(living, lambda found: not found, seconds=20)


# --- it runs ------------------------------------------------------------------------------


async def test_status_tells_what_runs(home: Home) -> None:
    told = home.haven("status")
    assert told.returncode == 0
    assert told.stdout.count(" healthy") == 3
    for part in ("controllers", "org-agent", "wallet-agent", "acapy-agent 1.7", "UTC"):
        assert part in told.stdout


async def test_a_second_one_on_the_same_folder_is_refused_in_words(home: Home) -> None:
    told = home.haven("up")
    assert told.returncode == 1
    assert "Haven runs already on this data folder" in told.stderr
    assert "Traceback" not in told.stderr


async def test_a_port_in_use_is_named(home: Home, tmp_path: Path) -> None:
    told = home.haven("up", "--data", str(tmp_path / "other"))
    assert told.returncode == 1
    assert f"Port {home.settings.public_port} is in use" in told.stderr
    assert "--port-base" in told.stderr


async def test_it_issues_and_checks(home: Home) -> None:
    home.small = await gather_small(home.settings)
    home.phone = await home.small.phone()
    issued = await home.small.issue(home.phone, **eligibility())
    home.planted |= planted_by(issued, home.phone)
    _, verdict = await home.small.check(home.phone)
    assert why_refused(verdict) == "accepted"


async def test_what_is_killed_comes_back(home: Home) -> None:
    assert home.small is not None
    assert home.phone is not None
    before = home.pids
    for pid in before.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    async def unlike_before() -> bool:
        return not (set(home.pids.values()) & {*before.values(), None})

    await until(unlike_before, seconds=60)

    async def healthy() -> int:
        return home.haven("status").returncode

    await until(healthy, lambda code: code == 0, seconds=60)
    assert all(child.restarts == 1 for child in home.note.children)
    _, verdict = await home.small.check(home.phone)  # in the session from before
    assert why_refused(verdict) == "accepted"


async def test_logs_and_database_hold_no_secret(home: Home) -> None:
    """The controllers' own log file is only here: elsewhere they run in the tests' process."""
    files = files_below(home.settings.data_dir)
    assert {"logs/controllers.log", "logs/org-agent.log", "logs/wallet-agent.log"} <= set(files)
    found = {name: found_in(content, home.planted) for name, content in files.items()}
    assert {name: told for name, told in found.items() if told} == {}


def planted_by(issued: Json, phone: Phone) -> dict[str, str]:
    return {
        "link token": str(issued["link"]).rpartition("/")[2],
        "code": str(issued["code"]),
        "wallet key": phone.key,
    }


# --- it stops -----------------------------------------------------------------------------


async def test_ctrl_c_leaves_nothing_behind(home: Home) -> None:
    pids = home.pids
    assert home.signal(signal.SIGINT) == 0
    assert [name for name, pid in pids.items() if is_alive(pid)] == []
    assert read_note(home.settings.data_dir) is None
    told = home.haven("status")
    assert told.returncode == 1
    assert "does not run" in told.stdout


async def test_another_did_domain_on_the_same_folder_is_refused(home: Home) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HAVEN_DID_DOMAIN", "other.localhost")
        told = home.haven("up")
    assert told.returncode == 1
    assert "haven.localhost" in told.stderr
    assert "cannot be changed" in told.stderr


# --- it starts again ----------------------------------------------------------------------


async def test_data_is_kept(home: Home) -> None:
    assert home.small is not None
    assert home.phone is not None
    home.up()
    await home.phone.unlock()
    _, verdict = await home.small.check(home.phone)
    assert why_refused(verdict) == "accepted"
    with pytest.raises(Refused):
        await Phone(home.phone.wallet_id, "A" * 43, home.phone.base_url).unlock()


@linux
async def test_when_it_is_killed_nothing_is_left_behind(home: Home) -> None:
    pids = home.pids
    home.signal(signal.SIGKILL)
    await all_gone(pids)


async def test_after_that_it_starts_and_a_polite_end_while_starting_is_clean(
    home: Home,
) -> None:
    home.process = home.popen("up")

    async def started() -> RunNote | None:
        found = read_note(home.settings.data_dir)
        mine = found is not None and found.pid == home.process.pid if home.process else False
        return found if mine and found and all(child.pid for child in found.children) else None

    note = await until(started, seconds=30)
    assert note is not None
    assert home.signal(signal.SIGTERM) == 0
    await all_gone({child.name: child.pid for child in note.children})
