"""Chapters 2 and 3: credentials for a survivor, for a guardian, and on a child's behalf."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpx

from controllers.moment import now
from controllers.story.cast import Cast
from controllers.story.people import Json, Phone, Refused, Values
from controllers.story.telling import Teller
from core.clock import dateint
from credential_defs import fresh_reference

OFFICE_PAGES = "https://guardianship.example"


@dataclass
class Holders:
    """Everybody with a wallet, and what was issued to whom."""

    survivor: Phone
    guardian: Phone
    issued: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One credential on its way in the story."""

    number: str
    title: str
    phone: Phone
    slug: str
    credential: str
    values: Values


_TITLES = (
    "Shelter A issues an identity",
    "Shelter A issues a service eligibility",
    "The fund issues a support entitlement",
    "The guardianship office issues a guardianship to a guardian",
    "Shelter A issues the child's eligibility, held by the guardian",
    "The fund issues the child's entitlement, held by the guardian",
)


def in_days(days: int) -> int:
    """A day from today as YYYYMMDD."""
    return dateint((now() + timedelta(days=days)).date())


def eligibility(**changes: str | int) -> Values:
    """Values of an ordinary service eligibility."""
    values: Values = {
        "status": "self-referred",
        "shelter_until": in_days(60),
        "household_size": 2,
        "region": "US-OR",
    }
    return values | changes


def entitlement(**changes: str | int) -> Values:
    """Values of an ordinary support entitlement."""
    values: Values = {"limit_minor": 50_000, "currency": "USD", "support_until": in_days(60)}
    return values | changes


def guardianship(links: dict[str, str], **changes: str | int) -> Values:
    """Values of a guardianship with the permission to see to daily needs."""
    values: Values = {
        "rationale": "adjudicated",
        "perm_necessaries_until": in_days(90),
        "jurisdiction": "US-OR",
        "framework_uri": f"{OFFICE_PAGES}/framework",
        "audit_uri": f"{OFFICE_PAGES}/audit",
        "appeal_uri": f"{OFFICE_PAGES}/appeal",
        **links,
    }
    return values | changes


def new_links() -> dict[str, str]:
    """One value per kind of verifier, random for each arrangement."""
    return {f"link_{kind}": fresh_reference() for kind in ("shelter", "payment", "court")}


def only(links: dict[str, str], *kinds: str) -> dict[str, str]:
    """The links that a credential has room for."""
    return {f"link_{kind}": links[f"link_{kind}"] for kind in kinds}


IDENTITY: Values = {
    "given_names": "Maria",
    "family_name": "Gonzalez",
    "birthdate_dateint": 19980412,
    "assurance_level": 2,
}


async def issue(
    cast: Cast, phone: Phone, slug: str, credential: str, **values: str | int
) -> Json:
    """Offer, take, and wait until the desk knows that the wallet has it."""
    desk = cast.issuing(slug)
    offer = await desk.offer(credential, **values)
    await phone.take(offer)
    await desk.issued(offer)
    return offer


async def tell_issuing(teller: Teller, cast: Cast) -> Holders:
    """Play chapters 2 and 3."""
    holders = Holders(
        await (await Phone.new(cast.base_url)).unlock(),
        await (await Phone.new(cast.base_url)).unlock(),
    )
    survivor, guardian, links = holders.survivor, holders.guardian, new_links()
    identity = IDENTITY | {"issued_dateint": in_days(0), "expires_dateint": in_days(3650)}
    await teller.step(
        "2.1",
        "A link to an offer can be previewed, and needs the code shown at the desk",
        "page, no code: asked for it, wrong code: refused",
        lambda: _careful_link(cast, survivor),
    )
    child_home = eligibility(
        held_for_other=1, household_size=1, **only(links, "shelter", "court")
    )
    child_money = entitlement(held_for_other=1, **only(links, "payment"))
    office = guardianship(links)
    for delivery in (
        Delivery("2.2", _TITLES[0], survivor, "shelter-a", "identity", identity),
        Delivery(
            "2.3", _TITLES[1], survivor, "shelter-a", "service-eligibility", eligibility()
        ),
        Delivery("2.4", _TITLES[2], survivor, "fund", "support-entitlement", entitlement()),
        Delivery("3.1", _TITLES[3], guardian, "guardianship-office", "guardianship", office),
        Delivery("3.2", _TITLES[4], guardian, "shelter-a", "service-eligibility", child_home),
        Delivery("3.3", _TITLES[5], guardian, "fund", "support-entitlement", child_money),
    ):
        play = partial(_issued, cast, holders, delivery)
        await teller.step(delivery.number, delivery.title, "issued", play)
    return holders


async def _issued(cast: Cast, holders: Holders, delivery: Delivery) -> str:
    issued = await issue(
        cast, delivery.phone, delivery.slug, delivery.credential, **delivery.values
    )
    holders.issued[delivery.number] = issued
    return str((await cast.issuing(delivery.slug).issued(issued))["state"])


async def _careful_link(cast: Cast, phone: Phone) -> str:
    desk = cast.issuing("shelter-a")
    offer = await desk.offer("service-eligibility", **eligibility())
    local = offer["link"].replace(cast.settings.base_url, cast.base_url)
    async with httpx.AsyncClient(trust_env=False) as messenger:
        pages = [await messenger.get(local, headers={"Accept": "text/html"}) for _ in range(3)]
    page = "page" if all(answer.status_code == 200 for answer in pages) else "no page"
    seen = await phone.look(offer["link"])
    asked = "no code: asked for it" if seen["kind"] == "code-needed" else "no code: let in"
    try:
        await phone.look(offer["link"], "WRONG2")
        wrong = "wrong code: let in"
    except Refused as refused:
        right = refused.problem["status"] == 403
        wrong = "wrong code: refused" if right else f"wrong code: {refused.why}"
    await desk.post(f"/api/issuer/issuances/{offer['id']}/cancel")
    return f"{page}, {asked}, {wrong}"
