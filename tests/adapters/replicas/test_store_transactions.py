"""What several organisations' agents on one database rest on: a tenant's transactions queue.

ACA-Py gives each credential the next entry of a revocation registry by reading a number and
writing it back raised by one, inside a transaction, and says itself that this might not do for
several processes. It does, because Askar lets one transaction of a store run at a time, on
PostgreSQL by locking the store's profile. If that ever changes, two credentials get the same
entry, and withdrawing one withdraws the other; then this test fails.

Two opened stores over one database stand for the two processes: nothing else is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from aries_askar import Store

from agent.keys import raw_wallet_key
from tests.support.postgres import SUPERUSER, PostgresServer

CATEGORY, NAME = "revocation_list", "a-registry"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def replicas(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Store, Store]]:
    """The same tenant's store, opened twice."""
    url = f"sqlite://{tmp_path}/tenant.db"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        where = f"{server.host}:{server.port}/tenant_{uuid4().hex}"
        admin = f"admin_account={SUPERUSER}&admin_password=unused"
        url = f"postgres://{SUPERUSER}:unused@{where}?{admin}"
    key = raw_wallet_key().reveal()
    async with AsyncExitStack() as stack:
        first = await Store.provision(url, "raw", key)
        stack.push_async_callback(first.close)
        second = await Store.open(url, "raw", key)
        stack.push_async_callback(second.close)
        async with first.session() as session:
            await session.insert(CATEGORY, NAME, value_json={"next_index": 1})
        yield first, second


async def _take(store: Store) -> int:
    """The next index, as ACA-Py takes it: nothing is locked by this code."""
    async with store.transaction() as transaction:
        entry = await transaction.fetch(CATEGORY, NAME)
        index = int(entry.value_json["next_index"])
        await asyncio.sleep(0.002)  # somewhere between the two, somebody else reads
        await transaction.replace(CATEGORY, NAME, value_json={"next_index": index + 1})
        await transaction.commit()
    return index


async def test_no_entry_is_taken_twice_and_none_is_left_out(
    replicas: tuple[Store, Store],
) -> None:
    taken = await asyncio.gather(*(_take(replicas[number % 2]) for number in range(40)))
    assert sorted(taken) == list(range(1, 41))
