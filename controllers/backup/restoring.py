"""Restoring a backup into an empty folder: all of it, or nothing.

The order, of which only the last step makes the folder appear:

1. unpack into a folder beside the target; every byte is authenticated before it is written,
   and the archive must be whole;
2. bring the controllers' database to this version; refuse one that is newer;
3. take over, from a database that survived, what must not be forgotten (newer.py);
4. end what was under way, and let every revocation registry count as used up;
5. end all wallet sessions, by a new session key;
6. note what is left to do once the agents run (settling.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets as random
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from agent.options import AgentOptions
from agent.stores import RetiredRegistry, retire_registries
from controllers.backup.archive import SealedReader
from controllers.backup.locks import give_no_try_back
from controllers.backup.manifest import (
    CONTROLLERS_DUMP,
    CONTROLLERS_FILE,
    FILES,
    MANIFEST,
    SECRETS,
    STORES,
    Manifest,
)
from controllers.backup.newer import Newer, end_what_was_under_way, take_over
from controllers.backup.postgres import PostgresDatabase
from controllers.backup.settling import note_retired
from controllers.installation import org_options
from controllers.secrets import load, write_private
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.location import sqlite_file
from core.errors import ConfigurationError, Conflict, Unavailable, VerificationError
from core.secret import Secret

_COPY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what was found newer in a database that survived."""

    made_at: datetime
    registries: int
    newer: Newer


async def restore(
    settings: Settings, source: Path, passphrase: Secret, *, survived: str | None = None
) -> Restored:
    """Restore the backup `source` into `settings.data_dir`.

    Args:
        survived: The address of a controllers' database of the same installation that is newer
            than the backup; what must not be forgotten is taken over from it.

    Raises:
        Conflict: the folder or a database is not empty.
        InvalidInput, NotAuthenticated, VerificationError: no backup, another passphrase, or
            damaged. Nothing was changed.
        ConfigurationError: the settings and the backup do not fit each other.
        Unavailable: it cannot be written. Nothing is left behind.
    """
    _require_empty(settings.data_dir)
    if settings.secrets_dir is not None:
        _require_empty(settings.secrets_dir)
    target = settings.data_dir.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    room = target.with_name(f".{target.name}.restoring-{random.token_hex(4)}")
    room.mkdir(mode=0o700)
    unpacked, there = (
        room / "unpacked",
        settings.model_copy(update={"data_dir": room / "data", "secrets_dir": None}),
    )
    try:
        manifest = await asyncio.to_thread(_unpack, source, passphrase, unpacked)
        _require_fitting(manifest, settings)
        (unpacked / "files").rename(there.data_dir)
        async with _databases(there, unpacked):
            restored = await _bring_in_order(there, manifest, survived)
            _finish(there.data_dir, target, settings.secrets_dir)
        return restored
    except OSError as err:
        raise Unavailable(f"The backup could not be unpacked: {err.strerror}") from err
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict("This folder is not empty. Restore into a new one.")


def _finish(made: Path, target: Path, secrets_dir: Path | None) -> None:
    if secrets_dir is not None:
        secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for found in [made / name for name in SECRETS if (made / name).exists()]:
            write_private(secrets_dir / found.name, found.read_text())
            found.unlink()
    made.rename(target)  # over an empty folder, if there is one
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- unpacking ----------------------------------------------------------------------------


def _unpack(source: Path, passphrase: Secret, room: Path) -> Manifest:
    """Write every member below `room`; the manifest, once the archive proved to be whole."""
    (room / "files").mkdir(mode=0o700, parents=True)
    with source.open("rb") as file:
        reader = SealedReader(file, passphrase)
        try:
            with tarfile.open(fileobj=reader, mode="r|", bufsize=_COPY) as tar:
                for member in tar:
                    _write_member(tar.extractfile(member), member, room)
        except tarfile.TarError as err:
            raise _unreadable() from err
        reader.drain()
    try:
        return Manifest.model_validate(json.loads((room / MANIFEST).read_bytes()))
    except (FileNotFoundError, ValueError, ValidationError) as err:
        raise _unreadable() from err


def _unreadable() -> VerificationError:
    return VerificationError("This backup cannot be read", step="content")


def _write_member(content: IO[bytes] | None, member: tarfile.TarInfo, room: Path) -> None:
    known = member.name in {MANIFEST, CONTROLLERS_FILE, CONTROLLERS_DUMP}
    path = PurePosixPath(member.name)
    if content is None or ".." in path.parts or path.is_absolute():
        raise _unreadable()
    if not known and not member.name.startswith((FILES, STORES)):
        raise _unreadable()
    target = room / path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, _COPY)
        file.flush()
        os.fsync(file.fileno())


def _require_fitting(manifest: Manifest, settings: Settings) -> None:
    """The restored installation keeps its data in the same kind of place."""
    controllers_here = sqlite_file(settings.store_url) is None
    if manifest.controllers_on_postgres != controllers_here:
        raise _elsewhere("controllers' database", "HAVEN_DATABASE_URL", controllers_here)
    organisations_here = settings.agent_database_url is not None
    if manifest.organisations_on_postgres != organisations_here:
        raise _elsewhere(
            "organisations' stores", "HAVEN_AGENT_DATABASE_URL", organisations_here
        )
    if manifest.did_domain != settings.did_domain:
        raise ConfigurationError(
            f"The identities in this backup live under {manifest.did_domain}; "
            "set HAVEN_DID_DOMAIN to that"
        )


def _elsewhere(what: str, setting: str, is_set: bool) -> ConfigurationError:
    if is_set:
        return ConfigurationError(f"The {what} in this backup are on SQLite; unset {setting}")
    return ConfigurationError(
        f"The {what} in this backup are on PostgreSQL; set {setting} to an empty place"
    )


# --- databases ----------------------------------------------------------------------------


@asynccontextmanager
async def _databases(settings: Settings, unpacked: Path) -> AsyncIterator[None]:
    """The databases are where the settings say; on a failure they are removed again."""
    undo: list[PostgresDatabase] = []
    try:
        await asyncio.to_thread(_put_databases, settings, unpacked, undo)
        yield
    except BaseException:
        for database in undo:
            await asyncio.to_thread(database.drop)
        raise


def _put_databases(settings: Settings, unpacked: Path, undo: list[PostgresDatabase]) -> None:
    file = sqlite_file(settings.store_url)
    if file is not None:
        _require_empty(file)
        (unpacked / CONTROLLERS_FILE).rename(file)
    for dump in sorted((unpacked / STORES).glob("*")):
        store = PostgresDatabase.at(str(settings.agent_store_url), dump.name)
        if store.exists():
            raise Conflict(
                "The PostgreSQL server has a store of this installation already. "
                "Restore onto a server that has none."
            )
        store.create()
        undo.append(store)
        store.restore(dump)
    if file is None:
        database = PostgresDatabase.at(settings.store_url)
        database.restore(unpacked / CONTROLLERS_DUMP)
        undo.append(_Emptied(**{f: getattr(database, f) for f in database.__slots__}))


class _Emptied(PostgresDatabase):
    """The controllers' database was there before and stays; its tables go."""

    def drop(self) -> None:
        self._asked("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


# --- bringing in order --------------------------------------------------------------------


async def _bring_in_order(
    settings: Settings, manifest: Manifest, survived: str | None
) -> Restored:
    _renew_session_key(settings.data_dir)
    options: AgentOptions = org_options(settings, load(settings.data_dir))
    retired: list[RetiredRegistry] = await retire_registries(options)
    database = Database(settings.store_url)
    try:
        await database.migrate()
        newer = await take_over(database, survived) if survived else Newer()
        await end_what_was_under_way(database)
        sealing_key = load(settings.data_dir).sealing_key
        await give_no_try_back(database, sealing_key, survived)
        await note_retired(database, retired)
    finally:
        await database.close()
    return Restored(manifest.made_at, len(retired), newer)


def _renew_session_key(data_dir: Path) -> None:
    """Sessions that were ended after the backup must not be open again."""
    path = data_dir / "secrets.json"
    stored = json.loads(path.read_text())
    stored["session_key"] = random.token_urlsafe(32)
    write_private(path, json.dumps(stored, indent=1))
    with contextlib.suppress(FileNotFoundError):
        (data_dir / "running.json").unlink()
