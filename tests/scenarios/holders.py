"""Holders of the scenarios: with our app, and with software of their own."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from sqlalchemy import select

from agent.wallets import WalletsAgent
from controllers.store.models import CheckRequest
from controllers.story.cast import Cast
from controllers.story.outside import Outside
from controllers.story.people import Json, Phone
from core.ports import OfferState
from core.secret import Secret
from tests.support.installation import Installation
from tests.support.waiting import until


async def new_phone(cast: Cast) -> Phone:
    """A new wallet, unlocked."""
    return await (await Phone.new(cast.base_url)).unlock()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A presentation made by hand for a check, not sent yet."""

    invitation: Json
    presentation: Json


async def prepare(
    outside: Outside, phone: Phone, asked: Json, variant: str = "plain"
) -> Prepared:
    """An honest answer, from a wallet with one credential of each kind."""
    invitation, request = await outside.opened(asked, variant)
    wanted = request["requested_attributes"] | request["requested_predicates"]
    async with outside.by_hand(phone) as holder:
        by_schema = {held.schema_id: held.credential_id for held in await holder.credentials()}
        picks = {
            referent: by_schema[part["restrictions"][0]["schema_id"]]
            for referent, part in wanted.items()
        }
        return Prepared(invitation, await holder.present(request, picks))


async def exchange_of(installation: Installation, asked: Json, variant: str = "plain") -> str:
    """The exchange on the verifier's agent that belongs to a check."""
    async with installation.haven.database.reading() as session:
        found = await session.scalars(
            select(CheckRequest.exchange_id).where(
                CheckRequest.check_id == asked["id"], CheckRequest.variant == variant
            )
        )
        return found.one()


# --- with another maker's wallet ------------------------------------------------------------


def place(made: Json) -> str:
    """The link's path on our own listener."""
    return "/l/" + str(made["link"]).rpartition("/")[2]


async def posted(browser: httpx.AsyncClient, made: Json, code: str) -> httpx.Response:
    """The form of the link's page."""
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    return await browser.post(place(made), data={"code": code}, headers=headers)


def shown_invitation(page: str) -> Json:
    """The invitation that a page shows as an address."""
    found = re.search(r'href="didcomm://invite\?oob=([A-Za-z0-9_-]+)"', html.unescape(page))
    assert found is not None
    encoded = found[1] + "=" * (-len(found[1]) % 4)
    invitation: Json = json.loads(base64.urlsafe_b64decode(encoded))
    return invitation


async def taken_elsewhere(
    browser: httpx.AsyncClient, made: Json, other: tuple[WalletsAgent, Secret]
) -> Mapping[str, str]:
    """An offer goes into a wallet of another maker, by the page; the values it holds then."""
    wallet, token = other
    page = await posted(browser, made, made["code"])
    connection = await wallet.connect(token, shown_invitation(page.text))
    (offered,) = await until(lambda: wallet.offers(token, connection), seconds=30)
    assert offered.state is OfferState.OFFERED
    await wallet.accept_offer(token, offered.exchange_id)
    (held,) = await until(lambda: wallet.credentials(token), seconds=30)
    return held.values
