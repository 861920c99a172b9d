"""PINs and recovery codes after a restore: no try is given back, nothing forgotten returns.

A backup does not know which tries were made since, which devices were forgotten (a phone that
was taken away) and which codes were replaced. So:

- if a newer controllers' database survived: what is not there any more is removed here, and
  what is there is taken as it is there, with its counts. What it has and the backup has not
  stays out: the restored wallets do not know it is theirs, so nobody could ever forget it;
- if not: the right PIN opens, and a few wrong ones lead to the longest wait (ladder.py). What
  was forgotten or replaced since has to be forgotten or replaced again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, delete, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import WalletDevice, WalletRecovery
from controllers.wallet.locks.ladder import restored
from controllers.wallet.locks.rows import DEVICE, RECOVERY, DeviceRows
from core.errors import NotAuthenticated
from core.secret import Secret

_KINDS = ((table_of(WalletDevice), DEVICE), (table_of(WalletRecovery), RECOVERY))


async def give_no_try_back(
    database: Database, sealing_key: Secret, survived: str | None = None
) -> None:
    """Bring devices and recovery codes in order; `survived` was read before and is readable."""
    known: set[str] = set()
    if survived is not None:
        engine = create_async_engine(survived)
        try:
            async with engine.connect() as old, database.engine.begin() as connection:
                for table, purpose in _KINDS:
                    known |= await _take(old, connection, table, Seal(sealing_key, purpose))
        finally:
            await engine.dispose()
    await _few_tries(database, sealing_key, known)


async def _take(
    old: AsyncConnection, connection: AsyncConnection, table: Table, seal: Seal
) -> set[str]:
    """Every row as it is there; answers those of which the newest is known."""
    if not await old.run_sync(lambda plain: inspect(plain).has_table(table.name)):
        return set()  # it is older than this table
    (key,) = table.primary_key.columns
    there = {row._mapping[key]: row._mapping for row in await old.execute(select(table))}
    taken = set()
    for digest in (await connection.execute(select(key))).scalars().all():
        if digest not in there:
            await connection.execute(delete(table).where(key == digest))
        elif _opens(seal, there[digest][table.c.sealed], digest):
            values = dict(there[digest])
            await connection.execute(update(table).where(key == digest).values(values))
            taken.add(digest)
    return taken


def _opens(seal: Seal, sealed: Any, digest: str) -> bool:
    """The sealing key may have been changed since the backup."""
    try:
        seal.open(sealed, digest)
    except NotAuthenticated:
        return False
    return True


async def _few_tries(database: Database, sealing_key: Secret, known: set[str]) -> None:
    devices, table = DeviceRows(sealing_key), table_of(WalletDevice)

    def work(steps: Steps) -> None:
        for row in steps.rows(select(table)):
            if row.device_digest not in known:
                device = devices.opened(row.device_digest, row.sealed)
                counts = restored(device.counts, now())
                devices.put(steps, row.device_digest, device.with_counts(counts))

    await database.write(work)
