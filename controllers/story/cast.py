"""Chapter 1: a governance authority and six organisations come into being.

Who they are is data; a second run on the same data finds them and goes on. Names of those
whom a holder must not be given away by say nothing: a payment provider sees a fund, no shelter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from controllers.settings import Settings
from controllers.story.people import Desk, Json
from controllers.story.telling import Teller
from core.secret import Secret


@dataclass(frozen=True, slots=True)
class Member:
    """An organisation of the story: its role in the framework, and what it is granted."""

    slug: str
    label: str
    role: str
    keys: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()


AUTHORITY = Member("authority", "Governance Authority", "governance-authority")
MEMBERS = (
    Member(
        "shelter-a",
        "Harbour House",
        "shelter",
        keys=("issue",),
        grants=("identity", "service-eligibility"),
    ),
    Member("shelter-b", "River House", "shelter", keys=("check",)),
    Member(
        "guardianship-office",
        "Guardianship Office",
        "guardianship-office",
        keys=("issue",),
        grants=("guardianship",),
    ),
    Member(
        "fund",
        "Community Fund",
        "support-fund",
        keys=("issue",),
        grants=("support-entitlement",),
    ),
    Member("court", "District Court", "court", keys=("check", "issue")),
    Member("payer", "Corner Pay", "payment-provider", keys=("check",)),
)


@dataclass
class Cast:
    """The organisations, ready to work: a desk for each key, the grants that stand."""

    settings: Settings
    operator: Desk
    desks: dict[tuple[str, str], Desk]
    grants: dict[tuple[str, str], str]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.public_port}"

    def issuing(self, slug: str) -> Desk:
        """The desk of an organisation that issues."""
        return self.desks[slug, "issue"]

    def checking(self, slug: str) -> Desk:
        """The desk of an organisation that checks."""
        return self.desks[slug, "check"]

    async def close(self) -> None:
        """Put the phones down."""
        for desk in (self.operator, *self.desks.values()):
            await desk.close()


async def gather_cast(teller: Teller, settings: Settings, operator_key: Secret) -> Cast:
    """Play chapter 1."""
    base_url = f"http://127.0.0.1:{settings.public_port}"
    cast = Cast(settings, Desk(base_url, operator_key.reveal()), {}, {})
    members = (AUTHORITY, *MEMBERS)
    await teller.step(
        "1.1",
        "Seven organisations come into being, each with its own did:webvh",
        "7 identities",
        lambda: _organisations(cast, members),
    )
    await teller.step(
        "1.2",
        "The authority publishes the schemas",
        "4 schemas by the authority",
        lambda: _schemas(cast),
    )
    await teller.step(
        "1.3",
        "Each grant of authority has a credential definition of its own",
        "4 grants, 4 definitions",
        lambda: _grants(cast),
    )
    for member in MEMBERS:
        for role in member.keys:
            made = await cast.operator.post(
                f"/api/governance/organisations/{member.slug}/keys", {"role": role}
            )
            cast.desks[member.slug, role] = Desk(base_url, made["key"])
    return cast


async def framework(cast: Cast) -> Json:
    """The newest version of the framework document."""
    return await cast.operator.get("/api/governance/framework")


async def _organisations(cast: Cast, members: tuple[Member, ...]) -> str:
    known = await _listed(cast)
    for member in members:
        if member.slug not in known:
            path = "authority" if member is AUTHORITY else "organisations"
            await cast.operator.post(f"/api/governance/{path}", _body(member))
    known = await _listed(cast)
    dids = {known[member.slug]["did"] for member in members}
    return f"{len(dids)} identities"


async def _listed(cast: Cast) -> dict[str, Json]:
    listed = await cast.operator.get("/api/governance/organisations")
    return {each["slug"]: each for each in listed["items"]}


def _body(member: Member) -> Json:
    return {
        "slug": member.slug,
        "label": member.label,
        "role": member.role,
        "name": member.label,
    }


async def _schemas(cast: Cast) -> str:
    document = await framework(cast)
    mine = [
        each for each in document["schemas"].values() if each.startswith(document["authority"])
    ]
    return f"{len(mine)} schemas by the authority"


async def _grants(cast: Cast) -> str:
    dids = {slug: each["did"] for slug, each in (await _listed(cast)).items()}
    standing = _standing(await framework(cast), dids)
    wanted = [(m.slug, credential) for m in MEMBERS for credential in m.grants]
    missing = [each for each in wanted if each not in standing]
    await asyncio.gather(*(_grant(cast, slug, credential) for slug, credential in missing))
    cast.grants = _standing(await framework(cast), dids)
    definitions = {each for key, each in cast.grants.items() if key in wanted}
    return f"{len(wanted)} grants, {len(definitions)} definitions"


async def _grant(cast: Cast, slug: str, credential: str) -> None:
    body = {"organisation": slug, "credential": credential}
    await cast.operator.post("/api/governance/grants", body)


def _standing(document: Json, dids: dict[str, str]) -> dict[tuple[str, str], str]:
    """Grants that neither ended nor were withdrawn: (organisation, credential) -> grant id."""
    slugs = {did: slug for slug, did in dids.items()}
    return {
        (slugs[grant["participant"]], grant["credential"]): grant["id"]
        for grant in document["grants"]
        if grant["until"] is None and grant["withdrawn_from"] is None
    }
