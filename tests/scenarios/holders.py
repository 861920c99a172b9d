"""Holders of the scenarios: with our app, and with software of their own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from controllers.store.models import CheckRequest
from controllers.story.cast import Cast
from controllers.story.outside import Outside
from controllers.story.people import Json, Phone
from tests.support.installation import Installation


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
