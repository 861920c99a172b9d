"""How tests read the framework's pages, and what they look for in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
from controllers_house import House

from controllers.organisations.service import did_of
from governance import documents

SCRIPT = '<script>alert("x")</script>'
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PLACES = (
    "/governance",
    "/governance/documents",
    "/governance/documents/primary",
    "/governance/participants",
    "/governance/who-may",
    "/governance/checks",
    "/governance/history",
    "/governance/search",
)


async def read(
    house: House, path: str, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """A page as somebody gets it who is nobody here."""
    async with house.client() as client:
        return await client.get(path, headers=dict(headers or {}))


async def rename_authority(house: House, name: str) -> None:
    """The authority takes part under a name that is meant to do harm."""
    did = did_of(house.of("authority"))
    await house.haven.governance.change(
        lambda document, at: documents.with_participant(
            document, did=did, role="governance-authority", name=name, at=at
        )
    )


def words(page: str) -> str:
    """What a person reads, without marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
