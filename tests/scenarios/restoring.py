"""A restored installation, as its desks and its holders meet it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpx
from sqlalchemy import select

from controllers.access import Role, create_key
from controllers.backup.archive import Strength
from controllers.store.database import Database
from controllers.store.models import Issuance
from controllers.story.checking import why_refused
from controllers.story.people import Desk, Phone
from core.secret import Secret
from tests.scenarios.small import Small
from tests.support.installation import Installation
from tests.support.waiting import until

PASSPHRASE = Secret("five words that nobody would guess")
QUICK = Strength(log2_n=4)

type Entry = tuple[str, int]


async def entries(database: Database) -> set[Entry]:
    """Entries of registries that belong to a credential."""
    async with database.reading() as session:
        found = await session.execute(
            select(Issuance.registry_id, Issuance.registry_index).where(
                Issuance.registry_id.is_not(None)
            )
        )
        return {(str(row[0]), int(row[1] or 0)) for row in found}


async def key(installation: Installation, role: str) -> str:
    """A key of the shelter's."""
    haven = installation.haven
    shelter = await haven.organisations.by_slug("shelter-a")
    return (await create_key(haven.database, shelter.id, Role(role))).reveal()


@dataclass
class Again:
    """A restored installation that is open, with its desks."""

    installation: Installation
    small: Small

    def phone(self, phone: Phone) -> Phone:
        """The holder's phone, which now asks here."""
        return replace(phone, base_url=self.small.base_url, session=None)

    async def verdict(self, phone: Phone) -> str:
        """Of a shelter check that the holder answers here."""
        _, found = await self.small.check(await self.phone(phone).unlock())
        return why_refused(found)

    async def close(self) -> None:
        """Close the desks."""
        await self.small.close()


async def opened(installation: Installation) -> Again:
    """Once the API is there for everybody; before, it says why it is not."""

    async def status() -> int:
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{installation.settings.public_port}"
            answer = await client.get(f"{url}/api/governance/framework")
        assert answer.status_code == 200 or "brought in order" in answer.json()["detail"]
        return answer.status_code

    await until(status, lambda code: code == 200, seconds=120)
    return Again(installation, await desks(installation))


async def desks(installation: Installation) -> Small:
    base_url = f"http://127.0.0.1:{installation.settings.public_port}"
    issue, check = [await key(installation, role) for role in ("issue", "check")]
    return Small(base_url, issues=Desk(base_url, issue), checks=Desk(base_url, check))
