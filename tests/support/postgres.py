"""A PostgreSQL server of its own for one test run: loopback only, empty, gone afterwards.

Needs nothing but PostgreSQL's server programs (`initdb`, `postgres`). The server lives in a
temporary folder with mode 0700 and never touches an installed cluster. Durability is off:
the data dies with the run. As root the programs run as `postgres` (or `nobody`), because
PostgreSQL refuses to run as root.

Raises `ConfigurationError` where the programs are missing, `Unavailable` where the server
does not start; its log is then part of the message (it holds no data, only start-up words).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL

from core.errors import ConfigurationError, Unavailable

SUPERUSER = "haven"
_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
START_SECONDS = 30
STOP_SECONDS = 20


def programs() -> Path | None:
    """The folder that holds `initdb` and `postgres`, newest Debian version first; else None."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(debian, key=lambda folder: _version(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next(
        (f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None
    )


def missing() -> str | None:
    """Why there can be no server here, in words for a skipped test; None where there can.

    With CI=true nothing may be skipped for this: raises `ConfigurationError` instead.
    """
    if programs() is not None:
        return None
    reason = "PostgreSQL's server programs (initdb, postgres) are not on this machine"
    if os.environ.get("CI") == "true":
        raise ConfigurationError(f"{reason}; in CI its tests must run")
    return reason


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. Databases made through it need no clean-up: the folder goes."""

    host: str
    port: int
    pid: int
    folder: Path
    made: set[str] = field(default_factory=set)

    def url(self, dbname: str | None = None) -> URL:
        """SQLAlchemy URL (asyncpg) of a database that is created, empty, at the first asking.

        Without a name: a fresh database at each call.
        """
        name = dbname or f"test_{uuid4().hex}"
        if name not in self.made:
            self._create(name)
            self.made.add(name)
        return URL.create(
            "postgresql+asyncpg",
            username=SUPERUSER,
            host=self.host,
            port=self.port,
            database=name,
        )

    def _create(self, name: str) -> None:
        where = ["-h", self.host, "-p", str(self.port), "-U", SUPERUSER]
        done = _run([self.folder / "createdb", *where, "--", name], cwd=Path("/"))
        if done.returncode != 0:
            raise Unavailable(f"createdb failed: {done.stderr.strip()}")


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server, give it, stop it by its own process id, remove its folder.

    `durable`: with writes that would survive a power cut, for figures that mean something.
    """
    folder = programs()
    if folder is None:
        raise ConfigurationError("PostgreSQL's server programs (initdb, postgres) are missing")
    # a short path: a Unix socket's name may have at most 107 bytes
    base = Path(tempfile.mkdtemp(prefix="haven-pg-", dir="/tmp"))  # removed below
    user = _server_user()
    try:
        if user:
            shutil.chown(base, user)
        _initialise(folder, base, user)
        with _server(folder, base, user, durable) as server:
            yield server
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _version(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _server_user() -> str | None:
    """Whom the server runs as, if not as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _initialise(folder: Path, base: Path, user: str | None) -> None:
    options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    command: list[str | Path] = [
        folder / "initdb",
        "-D",
        base / "data",
        "-U",
        SUPERUSER,
        *options,
    ]
    done = _run(command, cwd=base, user=user)
    if done.returncode != 0:
        raise Unavailable(f"initdb failed: {done.stderr.strip()}")


def _run(
    command: Sequence[str | Path], *, cwd: Path, user: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, user=user, cwd=cwd, capture_output=True, text=True, check=False
    )


@contextmanager
def _server(
    folder: Path, base: Path, user: str | None, durable: bool
) -> Iterator[PostgresServer]:
    port = _free_port()
    log = base / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [folder / "postgres", "-D", base / "data", *_options(base, port, durable)],
            user=user,
            cwd=base,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, base / "data", log)
        yield PostgresServer(host="127.0.0.1", port=port, pid=process.pid, folder=folder)
    finally:
        _stop(process)


def _options(base: Path, port: int, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(base),
        **({} if durable else dict.fromkeys(_DURABILITY, "off")),
        "max_connections": "200",
        "shared_buffers": "32MB",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Once it takes connections, the server writes `ready` as postmaster.pid's eighth line."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _status(data / "postmaster.pid") == "ready":
            return
        time.sleep(0.02)
    raise Unavailable(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def _status(pidfile: Path) -> str:
    try:
        lines = pidfile.read_text().splitlines()
    except FileNotFoundError:
        return "absent"
    return lines[7].strip() if len(lines) > 7 else "starting"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT is PostgreSQL's fast shutdown: it ends sessions and leaves."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
