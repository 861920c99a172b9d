"""An import and its entry in the log: both are written, or neither, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine.default import DefaultDialect

import controllers.dataspace.journal as journal_module
from controllers.dataspace.cases import Cases
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.sources import gather_file
from controllers.store.database import Database
from controllers.store.models import DataspaceCase, DataspaceImport
from core.clock import SystemClock
from core.errors import Conflict
from core.secret import Secret
from dataspace.recording.log import BEGINNING, Kind, verify_chain
from dataspace.vocabulary.model import cases as builtin
from tests.support.space import identities, made_up

KEY = Secret("a key for tests")
FILE = "0" * 64
CLOCK = SystemClock()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return identities(tmp_path / "who", 1)[0]


@pytest.fixture
def journal(database: Database, identity: Identity) -> Journal:
    return Journal(database, identity, CLOCK)


@pytest.fixture
async def kept(database: Database, journal: Journal) -> Cases:
    """Fifty cases, imported."""
    cases = Cases(database, journal, KEY, builtin())
    await cases.replace(gathered(50, 1), FILE, CLOCK.now())
    return cases


def gathered(count: int, seed: int) -> Any:
    return gather_file("x.csv", BytesIO(made_up(count, seed)), builtin())


async def everything(database: Database, journal: Journal) -> Any:
    """All that an import writes."""
    listed = select(
        DataspaceCase.pseudonym, DataspaceCase.sealed, DataspaceCase.since, DataspaceCase.until
    )
    async with database.reading() as session:
        cases = (await session.execute(listed.order_by(DataspaceCase.id))).all()
        imports = (await session.scalars(select(DataspaceImport.number))).all()
    return cases, imports, await journal.entries()


def entry_is_taken(patch: pytest.MonkeyPatch) -> type[BaseException]:
    """Another process has written an entry since this one looked."""
    patch.setattr(journal_module, "_end", lambda _row: (0, BEGINNING))
    return Conflict


def nothing_is_signed(patch: pytest.MonkeyPatch) -> type[BaseException]:
    def fails(*_last: Any, **_more: Any) -> Any:
        raise OSError("no signer")

    patch.setattr(journal_module, "append", fails)
    return OSError


def broken_off(patch: pytest.MonkeyPatch) -> type[BaseException]:
    """After the cases and before the entry."""

    async def fails(*_given: Any, **_more: Any) -> Any:
        raise asyncio.CancelledError

    patch.setattr(Journal, "add", fails)
    return asyncio.CancelledError


def disk_is_full(patch: pytest.MonkeyPatch) -> type[BaseException]:
    """All was told to the database, which cannot commit it."""

    def fails(*_given: Any) -> None:
        raise OSError("full")

    patch.setattr(DefaultDialect, "do_commit", fails)
    return OSError


type Failure = Callable[[pytest.MonkeyPatch], type[BaseException]]
FAILURES: list[Failure] = [entry_is_taken, nothing_is_signed, broken_off, disk_is_full]


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_is_not_in_the_log_was_not_imported(
    database: Database, journal: Journal, kept: Cases, identity: Identity, failure: Failure
) -> None:
    before, now = await everything(database, journal), kept.now
    with pytest.MonkeyPatch.context() as patch:
        expected = failure(patch)
        with pytest.raises(expected) as refused:
            await kept.replace(gathered(30, 2), FILE, CLOCK.now())
    assert getattr(refused.value, "code", "log-busy") == "log-busy"
    assert await everything(database, journal) == before
    assert kept.now is now
    # and the same import is taken as soon as it can be
    imported = await kept.replace(gathered(30, 2), FILE, CLOCK.now())
    assert (imported.number, imported.imported) == (2, 30)
    assert kept.summary().cases == 30
    log = verify_chain(await journal.entries(), identity.did, identity.signer.multikey)
    assert log.head[0] == 2


async def test_imports_and_other_entries_at_once_make_one_chain(
    database: Database, journal: Journal, kept: Cases, identity: Identity
) -> None:
    """Neither waits for what the other holds."""
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(kept.replace(gathered(20, seed), FILE, CLOCK.now()) for seed in range(2, 5)),
            *(
                journal.append(Kind.IMPORT, number=n, rows_at_least=1, file=FILE)
                for n in range(10, 20)
            ),
        )
    log = verify_chain(await journal.entries(), identity.did, identity.signer.multikey)
    assert log.head[0] == 14
    assert kept.now.number == 4
