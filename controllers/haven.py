"""A built installation: its adapters, services and apps; and how handlers get at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from agent.admin import AdminApi
from agent.organisations import OrganisationsAgent
from agent.sharding import Wallets
from controllers.backup.settling import settle
from controllers.desks.services import Desks
from controllers.events import EventStream
from controllers.federation.service import Federation
from controllers.governance.accreditation import AccreditationService
from controllers.governance.drafts import Drafts
from controllers.governance.service import GovernanceService
from controllers.idempotency import Repeatable
from controllers.issuer.service import IssuerService
from controllers.links.service import LinkService
from controllers.observing import Observing
from controllers.organisations.service import OrganisationService
from controllers.registry.service import RegistryService
from controllers.secrets import InstallationSecrets
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.verifier.service import VerifierService
from controllers.wallet.locks.service import LockService
from controllers.wallet.service import WalletService
from controllers.wallet.sessions import SessionService
from controllers.webhooks.inbox import Inbox
from controllers.webhooks.worker import Worker
from core.ports import DidLogs


@dataclass(slots=True)
class Haven:
    """A built installation: its adapters, its services, its two apps."""

    settings: Settings
    secrets: InstallationSecrets
    database: Database
    org_api: AdminApi
    wallets_api: AdminApi
    further_shards: tuple[AdminApi, ...]
    org: OrganisationsAgent
    wallets: Wallets
    registry: RegistryService
    did_logs: DidLogs
    governance: GovernanceService
    drafts: Drafts
    federation: Federation
    organisations: OrganisationService
    accreditation: AccreditationService
    issuer: IssuerService
    verifier: VerifierService
    sessions: SessionService
    locks: LockService
    wallet: WalletService
    links: LinkService
    desks: Desks
    inbox: Inbox
    worker: Worker
    repeatable: Repeatable
    events: EventStream
    observing: Observing
    public_app: FastAPI
    internal_app: FastAPI
    settling: asyncio.Task[None] | None = None  # only after a restore it has something to do

    async def start(self) -> None:
        """Migrate the database and begin to work."""
        await self.database.migrate()
        self.worker.start()
        self.settling = asyncio.create_task(settle(self))

    async def stop(self) -> None:
        """Stop working and let go of every connection."""
        if self.settling is not None:
            self.settling.cancel()
        await self.worker.stop()
        await self.wallet.fetcher.close()
        await self.org_api.close()
        for wallets_api in (self.wallets_api, *self.further_shards):
            await wallets_api.close()
        await self.observing.tracing.close()
        await self.database.close()


def _of(request: Request) -> Haven:
    return cast(Haven, request.app.state.haven)


House = Annotated[Haven, Depends(_of)]
