"""The smallest installation that can be tried: an authority, and one shelter with one grant."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.story.cast import AUTHORITY, MEMBERS
from controllers.story.checking import check
from controllers.story.people import Desk, Json, Phone

CREDENTIAL = "service-eligibility"
SHELTER = MEMBERS[0]


@dataclass
class Small:
    """The shelter's two desks, and holders' phones."""

    base_url: str
    issues: Desk
    checks: Desk

    async def phone(self) -> Phone:
        """A new wallet, unlocked."""
        return await (await Phone.new(self.base_url)).unlock()

    async def issue(self, phone: Phone, **values: str | int) -> Json:
        """An eligibility, taken and stored."""
        offer = await self.issues.offer(CREDENTIAL, **values)
        await phone.take(offer)
        await self.issues.issued(offer)
        return offer

    async def check(self, phone: Phone) -> tuple[Json, Json]:
        """A shelter check that the holder answers, and its verdict."""
        return await check(self.checks, phone, "shelter")

    async def close(self) -> None:
        """Put the phones down."""
        await self.issues.close()
        await self.checks.close()


async def gather_small(settings: Settings, base_url: str | None = None) -> Small:
    """Found the authority, admit the shelter, grant it one credential.

    `base_url`: where Haven is spoken to, if not where the controllers themselves listen.
    """
    base_url = base_url or f"http://127.0.0.1:{settings.public_port}"
    operator = Desk(base_url, load_or_create(settings.data_dir).operator_key.reveal())
    for path, member in (("authority", AUTHORITY), ("organisations", SHELTER)):
        body = {"slug": member.slug, "label": member.label, "role": member.role}
        await operator.post(f"/api/governance/{path}", {**body, "name": member.label})
    grant = {"organisation": SHELTER.slug, "credential": CREDENTIAL}
    await operator.post("/api/governance/grants", grant)
    keys = {
        role: await operator.post(
            f"/api/governance/organisations/{SHELTER.slug}/keys", {"role": role}
        )
        for role in ("issue", "check")
    }
    await operator.close()
    return Small(
        base_url,
        issues=Desk(base_url, keys["issue"]["key"]),
        checks=Desk(base_url, keys["check"]["key"]),
    )
