"""What is left to do when a restored installation first runs, before anybody may use it.

A backup is older than the moment it is restored in. What was issued since is not in it, and
that is dangerous twice: an entry of a revocation registry could be given to a second
credential, and a credential that nobody here knows of could never be withdrawn. So:

1. `haven restore` lets every registry of the backup count as used up (agent/stores.py), and
   notes them in the database;
2. while they are noted, the API answers that it is being brought in order;
3. every definition gets new registries;
4. in the old ones, each entry that no issuance here has is withdrawn: what was issued after the
   backup is refused, and has to be issued again;
5. the notes are removed. A failure at any step is repaired by doing it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.registries import renew_registries
from agent.stores import RetiredRegistry
from controllers.organisations.service import did_of, tenant_of
from controllers.problems import problem
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation, RestoredRegistry
from core.errors import HavenError, Unavailable

if TYPE_CHECKING:
    from controllers.haven import Haven

LOGGER = logging.getLogger(__name__)

_BATCH = 200  # ACA-Py asks its store for all of them in one question
_WAIT_SECONDS = 2.0


async def note_retired(database: Database, retired: Iterable[RetiredRegistry]) -> None:
    """Note what has to be brought in order."""
    async with database.transaction() as session:
        await session.execute(delete(RestoredRegistry))
        session.add_all(RestoredRegistry(**asdict(each)) for each in retired)


async def unsettled(database: Database) -> list[RestoredRegistry]:
    """The registries that are still to be brought in order."""
    async with database.reading() as session:
        return list(await session.scalars(select(RestoredRegistry)))


class ClosedUntilSettled:
    """Answers every request to the API with 503 while something is noted.

    Notes are made only while nothing runs, so once there is none, nobody looks again.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app, self._database = app, database
        self._open = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        asks_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        if asks_api and not self._open:
            self._open = not await unsettled(self._database)
            if not self._open:
                await problem(_CLOSED)(scope, receive, send)
                return
        await self._app(scope, receive, send)


_CLOSED = Unavailable(
    "This installation was restored from a backup and is being brought in order; "
    "please try again in a few minutes"
)


async def settle(haven: Haven) -> None:
    """Bring a restored installation in order, trying again until it is; then it is open.

    Of several controllers the first one does it.
    """
    if haven.settings.replica:
        return
    done = False
    while not done:
        try:
            waiting = await unsettled(haven.database)
            if waiting and await haven.org_api.ready():
                await _settle(haven, waiting)
            done = not waiting
        except HavenError as error:
            LOGGER.warning("not in order yet: %s", type(error).__name__)
        if not done:
            await asyncio.sleep(_WAIT_SECONDS)


async def _settle(haven: Haven, waiting: list[RestoredRegistry]) -> None:
    by_wallet: dict[str, list[RestoredRegistry]] = defaultdict(list)
    for registry in waiting:
        by_wallet[registry.wallet_id].append(registry)
    for organisation in await haven.organisations.all():
        # a tenant whose organisation the backup does not know can do nothing
        await _settle_organisation(haven, organisation, by_wallet[organisation.wallet_id])
    async with haven.database.transaction() as session:
        await session.execute(delete(RestoredRegistry))
    LOGGER.warning("the restored installation is in order, and open")


async def _settle_organisation(
    haven: Haven, organisation: Organisation, registries: list[RestoredRegistry]
) -> None:
    token = haven.org.token(tenant_of(organisation))
    sizes = {each.definition_id: each.size for each in registries}
    for definition_id, size in sizes.items():
        await renew_registries(haven.org_api, token, did_of(organisation), definition_id, size)
    for registry in registries:
        await _withdraw_unknown(haven, organisation, registry)


async def _withdraw_unknown(
    haven: Haven, organisation: Organisation, registry: RestoredRegistry
) -> None:
    async with haven.database.reading() as session:
        known = set(
            await session.scalars(
                select(Issuance.registry_index).where(
                    Issuance.registry_id == registry.registry_id
                )
            )
        )
    unknown = [index for index in range(1, registry.entries) if index not in known]
    for start in range(0, len(unknown), _BATCH):
        batch = unknown[start : start + _BATCH]
        await haven.org.revoke(tenant_of(organisation), registry.registry_id, batch)
    LOGGER.info("%s entries without an issuance were withdrawn", len(unknown))
