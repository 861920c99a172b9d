"""Making an installation larger while it is stopped, quickly and honestly.

What a wallet and an issuance leave behind is learnt from real ones (agent/growing.py), after
everything that tidies has run, and copied. The controllers' rows are copied the same way:
of an issuance its row stays; links, events and the inbox are purged by themselves.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, insert, make_url, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from agent.growing import (
    Contents,
    Leftovers,
    contents_of,
    copy_wallets,
    multiply,
    multiply_registries,
    store_of,
)
from agent.options import AgentOptions
from controllers.installation import org_options, wallet_options
from controllers.moment import now
from controllers.secrets import load
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.errors import NotFound

_REGISTRY = 1_000  # entries, as in production
_ROWS_AT_ONCE = 1_000
_OLDEST = timedelta(days=365)

type Snapshot = Mapping[str, Contents]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What so many real wallets, with a credential each, left in which store."""

    left: Mapping[str, Leftovers]
    exchanges: int

    def lines(self) -> list[str]:
        """What one exchange leaves behind, in words."""
        found = []
        for store, left in self.left.items():
            counts: dict[str, int] = {}
            for row in left.rows:
                counts[row.category] = counts.get(row.category, 0) + 1
            if left.keys:
                counts["keys"] = left.keys
            words = ", ".join(f"{n / self.exchanges:g} {name}" for name, n in counts.items())
            found.append(f"{store}: {words or 'nothing'}")
        return found


class Filler:
    """The stores and the database of a stopped installation."""

    def __init__(self, settings: Settings, slug: str) -> None:
        secrets = load(settings.secrets_folder)
        self._settings, self._slug = settings, slug
        self._org = org_options(settings, secrets)
        self._shards = [
            wallet_options(settings, secrets, shard) for shard in range(settings.wallet_agents)
        ]

    async def snapshot(self) -> Snapshot:
        """All that is in the stores that an issuance touches."""
        found = {}
        for label, (options, wallet_id) in (await self._stores()).items():
            found[label] = await contents_of(options, *await store_of(options, wallet_id))
        return found

    async def add_wallets(self, learnt: Learnt, count: int) -> None:
        """More wallets, each with what one holds and has on its agent; spread over agents."""
        for number, options in enumerate(self._shards):
            left = learnt.left[_shard(number)]
            times = math.ceil(count / learnt.exchanges)  # of all shards together
            renamed = await multiply(options, *await store_of(options, ""), left, times)
            copy_wallets(options, renamed)

    async def add_credentials(self, learnt: Learnt, count: int) -> None:
        """More credentials, long issued, over registries that are full."""
        organisation, definition_id = await self._issuer()
        store = await store_of(self._org, organisation.wallet_id)
        registries = await multiply_registries(
            self._org, *store, definition_id, math.ceil(count / _REGISTRY)
        )
        times = math.ceil(count / learnt.exchanges)
        await multiply(self._org, *store, learnt.left["organisation"], times)
        base = await store_of(self._org, "")
        await multiply(self._org, *base, learnt.left["org-base"], times)
        await self._add_rows(organisation, registries, count)
        for url in self._grown(store[0], base[0]):
            await _analyse(url)

    def _grown(self, *stores: str) -> list[URL]:
        """The databases on PostgreSQL that have become larger; none with SQLite."""
        found = [make_url(self._settings.store_url)]
        if self._org.database_url is not None:
            server = make_url(self._org.database_url.reveal())
            found += [server.set(database=name) for name in stores]
        postgres = (url for url in found if url.get_backend_name() == "postgresql")
        return [url.set(drivername="postgresql+asyncpg") for url in postgres]

    async def _stores(self) -> dict[str, tuple[AgentOptions, str]]:
        organisation, _ = await self._issuer()
        return {
            "organisation": (self._org, organisation.wallet_id),
            "org-base": (self._org, ""),
            **{_shard(number): (each, "") for number, each in enumerate(self._shards)},
        }

    async def _issuer(self) -> tuple[Organisation, str]:
        """The organisation that issues, and the definition it issued under last."""
        chosen = select(Organisation).where(Organisation.slug == self._slug)
        database = Database(self._settings.store_url)
        try:
            async with database.reading() as session:
                organisation = await session.scalar(chosen)
                if organisation is None:
                    raise NotFound("There is no such organisation")
                newest = (
                    select(Issuance.definition_id)
                    .where(Issuance.organisation_id == organisation.id)
                    .order_by(Issuance.created_at.desc())
                )
                definition_id = await session.scalar(newest.limit(1))
        finally:
            await database.close()
        return organisation, definition_id or ""

    async def _add_rows(
        self, organisation: Organisation, registries: list[str], count: int
    ) -> None:
        database = Database(self._settings.store_url)
        issued = select(Issuance).where(
            Issuance.organisation_id == organisation.id, Issuance.state == "issued"
        )
        try:
            async with database.reading() as session:
                template = (await session.scalars(issued.limit(1))).one()
            for first in range(0, count, _ROWS_AT_ONCE):
                numbers = range(first, min(first + _ROWS_AT_ONCE, count))
                rows = [_row(template, registries, number, count) for number in numbers]
                async with database.transaction() as session:
                    await session.execute(insert(Issuance), rows)
        finally:
            await database.close()


def learn(before: Snapshot, after: Snapshot, exchanges: int) -> Learnt:
    """What came into each store by so many exchanges."""
    left = {label: contents.since(before[label]) for label, contents in after.items()}
    return Learnt(left, exchanges)


async def _analyse(url: URL) -> None:
    """What PostgreSQL does by itself within a minute; what grows in a year is never that far
    ahead of its statistics."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("ANALYZE"))
    finally:
        await engine.dispose()


def _shard(number: int) -> str:
    return f"wallets-{number}"


def _row(template: Issuance, registries: list[str], number: int, count: int) -> dict[str, Any]:
    """A row like the template, under an entry of its own, issued some time in a year."""
    row = {each.name: getattr(template, each.name) for each in Issuance.__table__.columns}
    at = now() - _OLDEST * ((count - number) / (count + 1))
    fresh = {name: str(uuid4()) if row[name] else None for name in ("id", "invitation_id")}
    return (
        row
        | fresh
        | {
            "connection_id": str(uuid4()) if row["connection_id"] else None,
            "claim_digest": secrets.token_hex(32) if row["claim_digest"] else None,
            "registry_id": registries[number // _REGISTRY],
            "registry_index": number % _REGISTRY + 1,
            "created_at": at,
            "updated_at": at,
            "expires_at": at,
        }
    )
