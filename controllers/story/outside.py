"""People of the story who use software of their own, and not always honestly.

A rogue organisation speaks to an agent directly, past our controllers; a dishonest holder
opens her own store file and makes presentations by hand. Neither gets anything that such a
person would not have: an agent of her own, her own wallet's file and key, what is public.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import httpx

from agent.admin import AdminApi
from agent.foreign import ForeignHolder, store_file
from agent.keys import raw_wallet_key
from agent.organisations import OrganisationsAgent, attached_request
from agent.wallets import WalletsAgent
from agent.webvh.fetch import HttpFetcher
from controllers.installation import org_options, wallet_options
from controllers.moment import now
from controllers.organisations.service import OrganisationService, tenant_of
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.statements import StatementMaker
from controllers.store.database import Database
from controllers.store.models import Organisation
from controllers.story.people import Json, Phone
from core.presentation import PresentationAsk
from core.secret import Secret


def key_of(phone: Phone) -> Secret:
    """The store key that the phone's own key opens."""
    return raw_wallet_key(base64.urlsafe_b64decode(phone.key + "="))


@dataclass
class Outside:
    """Direct access to agents, for those who run one themselves."""

    settings: Settings
    org_api: AdminApi
    wallets_api: AdminApi
    org: OrganisationsAgent
    wallets: WalletsAgent
    database: Database

    @classmethod
    @asynccontextmanager
    async def stepping(cls, settings: Settings) -> AsyncIterator[Self]:
        """Everything open for the length of a block."""
        secret = load_or_create(settings.data_dir)
        options, holders = org_options(settings, secret), wallet_options(settings, secret)
        org_api = AdminApi([options.admin_url], options.secrets.admin_key)
        wallets_api = AdminApi([holders.admin_url], holders.secrets.admin_key)
        database = Database(settings.store_url)
        yield cls(
            settings,
            org_api,
            wallets_api,
            OrganisationsAgent(org_api, options.secrets.jwt_secret),
            WalletsAgent(wallets_api, holders.secrets.jwt_secret),
            database,
        )
        for api in (org_api, wallets_api):
            await api.close()
        await database.close()

    async def organisation(self, slug: str, label: str | None = None) -> Organisation:
        """An organisation's tenant: a known one, or a rogue's own under the label it likes."""
        service = OrganisationService(self.database, self.org)
        return await (service.create(slug, label) if label else service.by_slug(slug))

    async def invitation(
        self, asker: Organisation, ask: PresentationAsk, purpose: str, check: str
    ) -> tuple[Json, Json, str]:
        """A request made past the controllers: invitation, signed statement, exchange id."""
        tenant, until = tenant_of(asker), now() + timedelta(minutes=5)
        exchange_id = await self.org.request(tenant, ask, purpose, until)
        invitation = await self.org.invite_to(tenant, exchange_id, asker.label)
        statement = await StatementMaker(self.org).request(
            asker,
            invitation.message,
            check=check,
            purpose=purpose,
            variant="plain",
            variants=("plain",),
            retention_seconds=0,
            expires=until,
        )
        return invitation.message, statement, exchange_id

    @asynccontextmanager
    async def wallet(self, phone: Phone) -> AsyncIterator[Secret]:
        """A session on the wallet agent that our controllers know nothing of."""
        session_id = secrets.token_urlsafe(24)
        await self.wallets.open(phone.wallet_id, key_of(phone), session_id)
        yield self.wallets.token(phone.wallet_id, session_id)
        await self.wallets.close(phone.wallet_id, session_id)

    @asynccontextmanager
    async def by_hand(self, phone: Phone) -> AsyncIterator[ForeignHolder]:
        """The holder's own store file, opened with her own key; her app is locked meanwhile."""
        await phone.lock()
        record = await self.wallets_api.get(f"/multitenancy/wallet/{phone.wallet_id}")
        home = wallet_options(self.settings, load_or_create(self.settings.data_dir)).home
        fetcher = HttpFetcher(self.settings.host_map)
        file = store_file(home, record["settings"]["wallet.name"])
        holder = await ForeignHolder.open(file, key_of(phone), fetcher)
        try:
            yield holder
        finally:
            await holder.close()
            await fetcher.aclose()
            await phone.unlock()

    async def opened(self, check: Json, variant: str = "plain") -> tuple[Json, Json]:
        """What anybody sees who opens a check's link: invitation and proof request."""
        invitation = await self._fetch(check, "", variant)
        return invitation, attached_request(invitation)

    async def statement(self, check: Json, variant: str = "plain") -> Json:
        """The asker's signed statement of a check."""
        return await self._fetch(check, "/statement", variant)

    async def _fetch(self, check: Json, part: str, variant: str) -> Json:
        token = check["link"].rpartition("/")[2]
        url = f"http://127.0.0.1:{self.settings.public_port}/l/{token}{part}"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(
                url, headers={"Accept": "application/json"}, params={"variant": variant}
            )
        found: Json = answer.json()
        return found
