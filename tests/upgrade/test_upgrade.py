"""The database of an earlier release is brought to this one, and used."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from agent.admin import AdminApi
from agent.organisations import OrganisationsAgent
from agent.wallets import WalletsAgent
from controllers.access import authenticate
from controllers.app import assemble
from controllers.haven import Haven
from controllers.sealing import Seal
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.store import database as database_module
from controllers.store import upgrading
from controllers.store.base import Base
from controllers.store.database import Database
from controllers.store.models import DataspacePlan, Issuance
from core.errors import ConfigurationError, Unavailable
from core.secret import Secret
from tests.support.postgres import PostgresServer

RELEASES = sorted(Path(__file__).parent.glob("release_*"))


@dataclass
class Old:
    """A database as a release left it, and what is known to be in it."""

    release: Path
    settings: Settings
    known: dict[str, Any]

    @property
    def database(self) -> Database:
        return Database(self.settings.store_url)


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def release(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, release: Path, tmp_path: Path) -> Old:
    """The release's database, on each engine."""
    url = None
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = on_postgres(server, release)
    else:
        on_sqlite(tmp_path, release)
    shutil.copyfile(release / "secrets.json", tmp_path / "secrets.json")
    (tmp_path / "secrets.json").chmod(0o600)
    settings = Settings(data_dir=tmp_path, database_url=url)
    return Old(release, settings, json.loads((release / "known.json").read_text()))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url_of_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table, on each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/haven.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url().render_as_string(hide_password=False)


def on_sqlite(folder: Path, release: Path) -> None:
    connection = sqlite3.connect(folder / "haven.db")
    connection.executescript((release / "sqlite.sql").read_text())
    connection.close()


def on_postgres(server: PostgresServer, release: Path) -> str:
    url = server.url()
    where = ["-h", server.host, "-p", str(server.port), "-U", str(url.username)]
    command = [server.folder / "psql", *where, "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(
        [*command, "-d", str(url.database), "-f", release / "postgres.sql"],
        check=True,
        capture_output=True,
    )
    return url.render_as_string(hide_password=False)


@pytest.fixture
async def upgraded(old: Old) -> AsyncIterator[Haven]:
    """The services on the upgraded database; no agent answers, and nothing is swept."""
    secrets = load_or_create(old.settings.data_dir)
    nobody = AdminApi(["http://127.0.0.1:1"], Secret("unused"))
    haven = assemble(
        old.settings,
        secrets,
        org_api=nobody,
        wallets_api=nobody,
        org=OrganisationsAgent(nobody, Secret("unused")),
        wallets=WalletsAgent(nobody, Secret("unused")),  # type: ignore[arg-type] # unused here
    )
    await haven.database.migrate()
    yield haven
    await nobody.close()
    await haven.database.close()


async def rows(database: Database) -> dict[str, int]:
    """How many rows each table of the release has."""
    async with database.reading() as session:
        return {
            name: await session.scalar(select(func.count()).select_from(text(name))) or 0
            for name in TABLES_OF_0001
        }


TABLES_OF_0001 = (
    "api_key",
    "check_made",
    "check_request",
    "event",
    "framework_version",
    "inbox",
    "issuance",
    "link",
    "organisation",
    "registry_did_log",
    "registry_resource",
    "registry_tails",
    "repeatable_request",
    "reservation",
    "wallet_session",
)


# --- it is the same data ------------------------------------------------------------------


async def test_every_row_is_still_there(old: Old) -> None:
    database = old.database
    before = await rows(database)
    assert all(before.values()), "the release's dump has rows in every table"
    await database.migrate()
    assert await rows(database) == before
    await database.close()


async def test_the_tables_are_those_of_the_models(upgraded: Haven) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with upgraded.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_issuances_and_checks_are_read_through_the_services(
    upgraded: Haven, old: Old
) -> None:
    caller = await authenticate(upgraded.database, old.known["issue_key"])
    issued = await upgraded.issuer.get(caller.tenant, old.known["issued"])
    revoked = await upgraded.issuer.get(caller.tenant, old.known["revoked"])
    assert (issued.state, issued.revoked_at) == ("issued", None)
    assert revoked.revoked_at is not None
    check = await upgraded.verifier.get(caller.tenant, old.known["check"])
    assert check.verdict == "accepted"
    assert (await upgraded.governance.current()).sequence == old.known["framework_version"]


async def test_sealed_values_still_open(upgraded: Haven, old: Old) -> None:
    async with upgraded.database.reading() as session:
        waiting = await session.get_one(Issuance, old.known["waiting"])
    seal = Seal(upgraded.secrets.sealing_key, "issuance")
    assert waiting.sealed_values is not None
    assert "region" in seal.open(waiting.sealed_values, waiting.id)


async def test_work_goes_on(upgraded: Haven, old: Old) -> None:
    """An offer that waits is taken back, and an event is added after the old ones."""
    caller = await authenticate(upgraded.database, old.known["issue_key"])
    taken_back = await upgraded.issuer.cancel(caller.tenant, old.known["waiting"])
    assert taken_back.state != "waiting"


async def test_who_asked_and_until_when_is_read_from_plans_that_were_there(
    database_url_of_nothing: str,
) -> None:
    """Version 0010 lays beside a data space's plan what its document says."""
    database = Database(database_url_of_nothing)
    document = {"asker": "did:web:asker.example", "expires": "2026-03-01T17:00:00+07:00"}
    plan = {"digest": "zPlan", "agreement": "zTerms", "document": json.dumps(document)}
    columns = "digest, agreement, document, gate, created_at"
    values = ":digest, :agreement, :document, '{}', '2026-02-01 00:00:00+00:00'"
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda c: upgrading.upgrade(c, to="0009"))
        await connection.execute(
            text(f"INSERT INTO dataspace_plan ({columns}) VALUES ({values})"), plan
        )
    await database.migrate()
    async with database.reading() as session:
        found = await session.get_one(DataspacePlan, "zPlan")
    assert found.asker == "did:web:asker.example"
    assert found.expires == datetime(2026, 3, 1, 10, tzinfo=UTC)
    await database.close()


# --- safely -------------------------------------------------------------------------------


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One migration more than there is, so that there is always something to do."""
    folder = tmp_path / "more" / "migrations"
    shutil.copytree(upgrading.MIGRATIONS, folder)
    write_migration(
        folder, newest_version(), "op.create_table('more', sa.Column('id', sa.Integer()))"
    )
    monkeypatch.setattr(upgrading, "MIGRATIONS", folder)
    return folder


def newest_version() -> str:
    """The head of the real migrations."""
    scripts = Path(database_module.__file__).parent / "migrations" / "versions"
    return max(path.stem.split("_")[0] for path in scripts.glob("0*.py"))


def write_migration(folder: Path, after: str, step: str) -> None:
    (folder / "versions" / "9999_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = '9999', '{after}'\n"
        f"def upgrade():\n    {step}\n"
    )


async def test_a_copy_is_kept_before_a_sqlite_file_is_changed(
    release: Path, tmp_path: Path, behind: Path
) -> None:
    on_sqlite(tmp_path, release)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/haven.db")
    await database.migrate()
    await database.migrate()  # with nothing to do, no copy is made
    await database.close()
    (copy,) = (tmp_path / upgrading.COPIES).iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    restored = sqlite3.connect(copy)
    assert restored.execute("SELECT version_num FROM alembic_version").fetchone() == (
        release.name.removeprefix("release_"),
    )
    assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert restored.execute("SELECT count(*) FROM issuance").fetchone()[0] > 0
    restored.close()


async def test_only_the_last_two_copies_are_kept(release: Path, tmp_path: Path) -> None:
    folder = tmp_path / upgrading.COPIES
    folder.mkdir()
    for name in ("20200101T000000-version-a.db", "20210101T000000-version-b.db"):
        (folder / name).touch()
    on_sqlite(tmp_path, release)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/haven.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda c: upgrading._keep_copy(c, "0001"))
    await database.close()
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == 2
    assert kept[0] == "20210101T000000-version-b.db"


async def test_a_step_that_fails_changes_nothing(old: Old, behind: Path) -> None:
    newest = newest_version()
    steps = "op.create_table('more', sa.Column('id', sa.Integer()))\n    raise OSError('no')"
    write_migration(behind, newest, steps)
    database = old.database
    with pytest.raises(OSError, match="no"):
        await database.migrate()
    async with database.reading() as session:
        version = await session.scalar(text("SELECT version_num FROM alembic_version"))
    assert version == old.release.name.removeprefix("release_")
    with pytest.raises(Exception, match="more"):
        async with database.reading() as session:
            await session.execute(text("SELECT * FROM more"))
    await database.close()


async def test_a_newer_database_is_refused_in_words(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9998'"))
    with pytest.raises(ConfigurationError, match="newer Haven"):
        await database.migrate()


@pytest.mark.postgres
async def test_of_several_replicas_one_migrates(
    postgres: PostgresServer, release: Path, behind: Path
) -> None:
    url = on_postgres(postgres, release)
    replicas = [Database(url) for _ in range(4)]
    await asyncio.gather(*(replica.migrate() for replica in replicas))
    async with replicas[0].reading() as session:
        versions = (
            await session.scalars(text("SELECT version_num FROM alembic_version"))
        ).all()
    assert versions == ["9999"]
    for replica in replicas:
        await replica.close()


async def test_without_room_for_the_copy_nothing_is_changed(
    release: Path, tmp_path: Path, behind: Path
) -> None:
    (tmp_path / upgrading.COPIES).write_text("a file where the folder should be")
    on_sqlite(tmp_path, release)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/haven.db")
    with pytest.raises(Unavailable, match="nothing was changed"):
        await database.migrate()
    await database.close()
