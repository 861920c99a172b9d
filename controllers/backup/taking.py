"""Taking a backup, also of an installation that runs.

The parts cannot be copied in one moment, so they are copied in the order in which every
difference between them errs on the side of a no (docs/adr/0022):

1. the controllers' database: what it knows of, the stores copied after it have;
2. the organisations' stores, the one that lists the tenants first;
3. the wallets, each agent's list of them first, and all other files.

Each single store is copied at one moment: by SQLite's online backup, or by pg_dump.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from agent.options import AgentOptions
from agent.stores import base_name, store_is_there, tenant_stores
from controllers.backup.archive import SealedWriter, Strength
from controllers.backup.manifest import (
    CONTROLLERS_DUMP,
    CONTROLLERS_FILE,
    FILES,
    MANIFEST,
    SECRETS,
    STORES,
    Manifest,
)
from controllers.backup.postgres import PostgresDatabase
from controllers.installation import org_options
from controllers.moment import now
from controllers.secrets import load
from controllers.settings import Settings
from controllers.store.location import sqlite_file
from controllers.store.upgrading import COPIES, copy_sqlite
from core.errors import ConfigurationError, Conflict, Unavailable
from core.secret import Secret

# at the top of the data folder; logs are no data, the others belong to what runs
_NOT_KEPT = frozenset({"logs", "lock", "running.json", COPIES})
_SQLITE = b"SQLite format 3\x00"
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that is complete."""

    file: Path
    size: int
    stores: int


async def take(
    settings: Settings, target: Path, passphrase: Secret, *, strength: Strength | None = None
) -> Taken:
    """Write a backup of everything to `target`, which appears only when it is complete.

    Raises Conflict if `target` is there already, ConfigurationError if there is nothing to
    back up here, Unavailable if a part of it cannot be copied.
    """
    _require_installation(settings, target)
    with keys_lock(settings.secrets_folder):
        options = org_options(settings, load(settings.secrets_folder))
        return await asyncio.to_thread(
            _write, settings, options, target, passphrase, strength or Strength()
        )


def _require_installation(settings: Settings, target: Path) -> None:
    if target.exists():
        raise Conflict("There is a file of this name already; a backup never replaces one")
    if not (settings.secrets_folder / "secrets.json").exists():
        raise ConfigurationError("There is no installation in this data folder")
    database = sqlite_file(settings.store_url)
    if database is not None and not database.exists():
        raise ConfigurationError(
            "The controllers' database is not here. If it is on PostgreSQL, "
            "give HAVEN_DATABASE_URL as the installation has it."
        )
    options = org_options(settings, load(settings.secrets_folder))
    if options.database_url is None and not store_is_there(options):
        raise ConfigurationError(
            "The organisations' stores are not here. If they are on PostgreSQL, "
            "give HAVEN_AGENT_DATABASE_URL as the installation has it."
        )


@contextmanager
def keys_lock(secrets_folder: Path) -> Iterator[None]:
    """Held by whoever copies the keys, or changes them. Raises Conflict."""
    with (secrets_folder / "secrets.json").open("rb") as handle:  # it may be read-only
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise Conflict("A backup is being taken, or keys are being changed") from err
        yield


def _write(
    settings: Settings,
    options: AgentOptions,
    target: Path,
    passphrase: Secret,
    strength: Strength,
) -> Taken:
    partial = target.with_name(f".{target.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            stores = _fill(settings, options, file, passphrase, strength)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except sqlite3.Error as err:
        raise Unavailable("A store could not be copied: it is damaged or locked") from err
    except OSError as err:
        raise Unavailable(f"The backup could not be written: {err.strerror}") from err
    finally:
        partial.unlink(missing_ok=True)
    return Taken(target, target.stat().st_size, stores)


def _fill(
    settings: Settings,
    options: AgentOptions,
    file: object,
    passphrase: Secret,
    strength: Strength,
) -> int:
    writer = SealedWriter(file, passphrase, strength=strength)  # type: ignore[arg-type] # a binary file
    # mode 0700, beside the data; where that is read-only, in memory or wherever TMPDIR says
    beside = settings.data_dir if os.access(settings.data_dir, os.W_OK) else None
    room = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    try:
        with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            packing = _Packing(tar, room)
            packing.note(_manifest(settings, options))
            _controllers(settings, packing)
            _organisations(options, packing)
            _files(settings, options, packing)
        writer.finish()
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return packing.stores


def _manifest(settings: Settings, options: AgentOptions) -> Manifest:
    return Manifest(
        made_at=now(),
        haven=version("haven"),
        did_domain=settings.did_domain,
        controllers_on_postgres=sqlite_file(settings.store_url) is None,
        organisations_on_postgres=options.database_url is not None,
    )


class _Packing:
    """Puts things into the archive, one after another, through one temporary file."""

    def __init__(self, tar: tarfile.TarFile, room: Path) -> None:
        self._tar, self._copy = tar, room / "copy"
        self.stores = 0

    def note(self, manifest: Manifest) -> None:
        """The manifest is the first member."""
        self._copy.write_text(manifest.model_dump_json(indent=1))
        self.file(self._copy, MANIFEST)

    def sqlite(self, source: Path, name: str) -> None:
        """A SQLite store at one moment; its users go on meanwhile."""
        self._copy.unlink(missing_ok=True)
        try:
            copy_sqlite(source, self._copy, passing=True)
        except sqlite3.OperationalError:
            if source.exists():
                raise
            raise FileNotFoundError(source.name) from None
        self.file(self._copy, name)
        self.stores += 1

    def postgres(self, database: PostgresDatabase, name: str) -> None:
        """A PostgreSQL database at one moment."""
        database.dump(self._copy)
        self.file(self._copy, name)
        self.stores += 1

    def file(self, source: Path, name: str) -> None:
        """A file as it is; neither its owner nor its mode is kept."""
        member = tarfile.TarInfo(name)
        member.mode = 0o600
        with source.open("rb") as content:
            member.size = os.fstat(content.fileno()).st_size
            self._tar.addfile(member, content)


def _controllers(settings: Settings, packing: _Packing) -> None:
    database = sqlite_file(settings.store_url)
    if database is None:
        packing.postgres(PostgresDatabase.at(settings.store_url), CONTROLLERS_DUMP)
    else:
        packing.sqlite(database, CONTROLLERS_FILE)


def _organisations(options: AgentOptions, packing: _Packing) -> None:
    """On PostgreSQL each store is a database of its own."""
    if options.database_url is None:
        return  # they are files
    url = options.database_url.reveal()
    # the list of tenants is copied before it is read: whoever is in the copy is copied too
    packing.postgres(
        PostgresDatabase.at(url, base_name(options)), f"{STORES}{base_name(options)}"
    )
    for tenant in asyncio.run(tenant_stores(options)):
        packing.postgres(PostgresDatabase.at(url, tenant.name), f"{STORES}{tenant.name}")


def _files(settings: Settings, options: AgentOptions, packing: _Packing) -> None:
    if settings.secrets_folder.resolve() != settings.data_dir.resolve():
        for name in SECRETS:
            with contextlib.suppress(FileNotFoundError):  # the domain is noted at `haven up`
                packing.file(settings.secrets_folder / name, f"{FILES}{name}")
    for path in _in_order(settings, options):
        name = f"{FILES}{path.relative_to(settings.data_dir).as_posix()}"
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile, as its holder wished
            if _is_sqlite(path):
                packing.sqlite(path, name)
            else:
                packing.file(path, name)


def _in_order(settings: Settings, options: AgentOptions) -> Iterator[Path]:
    """Every file that is kept: organisations first, lists of tenants before their stores."""
    database = sqlite_file(settings.store_url)
    folders = [
        each
        for each in settings.data_dir.iterdir()
        if each.name not in _NOT_KEPT and not each.name.startswith(".")
    ]
    for folder in sorted(folders, key=lambda each: (each.name != options.home.name, each.name)):
        found = [folder] if folder.is_file() else _below(folder)
        for path in sorted(found, key=_lists_come_first):
            helper = path.name.endswith(_BESIDE_SQLITE)
            if not helper and path.resolve() != database:
                yield path


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _lists_come_first(path: Path) -> tuple[bool, str]:
    return not path.parent.name.endswith("-base"), path.as_posix()


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
