"""Dumping and restoring a PostgreSQL database with PostgreSQL's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from core.errors import ConfigurationError, Conflict, Unavailable
from core.secret import Secret

_DEBIAN = Path("/usr/lib/postgresql")
_MAINTENANCE = "postgres"


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """Where a database is. The password goes by the environment, never on a command line."""

    host: str
    port: int
    user: str
    password: Secret
    name: str
    ssl: str | None = None

    @classmethod
    def at(cls, url: str, name: str | None = None) -> PostgresDatabase:
        """From a SQLAlchemy address; `name` takes the place of its database."""
        parsed = make_url(url)
        ssl = parsed.query.get("ssl") or parsed.query.get("sslmode")
        return cls(
            host=parsed.host or "localhost",
            port=parsed.port or 5432,
            user=parsed.username or "",
            password=Secret(parsed.password or ""),
            name=name or parsed.database or "",
            ssl=str(ssl) if ssl else None,
        )

    def named(self, name: str) -> PostgresDatabase:
        """Another database on the same server."""
        return replace(self, name=name)

    def dump(self, target: Path) -> None:
        """Write a dump of one moment. Raises Unavailable, ConfigurationError."""
        with target.open("wb") as output:
            self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", out=output)

    def restore(self, source: Path) -> None:
        """Put a dump into this empty database: all of it, or nothing."""
        if self._asked("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") != "0":
            raise Conflict(
                f"The PostgreSQL database {self.name} is not empty. Restore into a new one."
            )
        whole = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        self._run("pg_restore", *whole, "--dbname", self.name, str(source), names_itself=True)

    def exists(self) -> bool:
        """Whether the server has a database of this name."""
        quoted = self.name.replace("'", "''")
        count = self.named(_MAINTENANCE)._asked(
            f"SELECT count(*) FROM pg_database WHERE datname = '{quoted}'"  # noqa: S608 (a name from our own records, quoted)
        )
        return count != "0"

    def create(self) -> None:
        """Make the database, empty."""
        self._run("createdb", "--", self.name, names_itself=True)

    def drop(self) -> None:
        """Remove the database, if it is there."""
        self._run("dropdb", "--if-exists", "--", self.name, names_itself=True)

    def _asked(self, question: str) -> str:
        return self._run("psql", "--no-psqlrc", "--tuples-only", "--no-align", "-c", question)

    def _run(
        self, program: str, *arguments: str, out: object = None, names_itself: bool = False
    ) -> str:
        command = [str(_program(program)), *self._where(), *arguments]
        if not names_itself:
            command += ["--dbname", self.name]
        done = subprocess.run(  # noqa: S603 (our own arguments, no shell)
            command,
            env=self._environment(),
            stdout=out if out is not None else subprocess.PIPE,  # type: ignore[call-overload] # a file
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(f"{program} failed: {_first_line(done.stderr)}")
        return (done.stdout or b"").decode().strip()

    def _where(self) -> list[str]:
        where = ["--host", self.host, "--port", str(self.port), "--username", self.user]
        return [*where, "--no-password"]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        if self.ssl:
            kept["PGSSLMODE"] = self.ssl
        return {**kept, "PGPASSWORD": self.password.reveal()}


def _first_line(output: bytes) -> str:
    """What the program says went wrong; it names databases and tables, and no rows."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[0][:200] if lines else "it said nothing"


def _program(name: str) -> Path:
    """A program of PostgreSQL's client, the newest of Debian's first."""
    folders = [folder for folder in _DEBIAN.glob("*/bin") if folder.parent.name.isdigit()]
    for folder in sorted(folders, key=lambda each: int(each.parent.name), reverse=True):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise ConfigurationError(
            f"PostgreSQL's program {name} is not on this machine. Install the client programs "
            "of the server's version (Debian: postgresql-client)."
        )
    return Path(found)
