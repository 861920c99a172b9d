"""Webhooks that come twice, late, in the wrong order, never, or from somebody else.

A webhook only wakes a worker, which reads the truth from the agent; so whatever happens to
webhooks, the same comes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web

from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Desk, Json, Phone
from tests.faults.gate import Passing, twice
from tests.faults.site import Site

pytestmark = pytest.mark.agents

MEGABYTE = 1024 * 1024


@dataclass
class Held:
    """Webhooks that were taken from the agent and are delivered when a test says so."""

    waiting: list[Passing] = field(default_factory=list)

    async def rule(self, passing: Passing) -> web.Response:
        self.waiting.append(passing)
        return web.Response(status=204)


@pytest.fixture
async def held(site: Site) -> AsyncIterator[Held]:
    """All webhooks are held back."""
    holding = Held()
    with site.webhooks.under(holding.rule):
        yield holding


async def goes_well(site: Site) -> tuple[Json, Json, Phone]:
    """An issuance and a check, from beginning to end."""
    phone = await site.small.phone()
    issued = await site.small.issue(phone, **eligibility())
    checked, verdict = await site.small.check(phone)
    assert why_refused(verdict) == "accepted"
    return issued, checked, phone


async def test_heard_twice_is_done_once(site: Site) -> None:
    with site.webhooks.under(twice):
        _, _, phone = await goes_well(site)
    assert len(await phone.credentials()) == 1


async def test_without_any_the_sweep_does_it_and_afterwards_they_change_nothing(
    site: Site, held: Held
) -> None:
    issued, checked, phone = await goes_well(site)

    async def seen() -> list[Json]:
        return [
            await site.small.issues.get(f"/api/issuer/issuances/{issued['id']}"),
            await site.small.checks.get(f"/api/verifier/checks/{checked['id']}"),
            *await phone.credentials(),
        ]

    before = await seen()
    assert len(before) == 3
    for order in (held.waiting, held.waiting[::-1]):
        assert order
        for passing in list(order):
            await passing.forward()
        await asyncio.sleep(1.5)  # the worker looks at what it is told within one second
        assert await seen() == before


# --- from somebody else -----------------------------------------------------------------------


@dataclass(frozen=True)
class Forged:
    """Something posted to the inside listener that no agent of ours would post."""

    body: bytes
    status: int
    agent: str = "org"
    key: Callable[[Site], str] = lambda site: site.secrets.agents["org"].webhook_key.reveal()


NAMES_ANOTHER = b'{"cred_ex_id": "%s", "state": "done", "invitation_msg_id": "%s"}'
FORGERIES = {
    "no key": Forged(NAMES_ANOTHER, 401, key=lambda _: ""),
    "wrong key": Forged(NAMES_ANOTHER, 401, key=lambda _: "forged"),
    "another agent's key": Forged(
        NAMES_ANOTHER, 401, key=lambda site: site.secrets.agents["wallets"].webhook_key.reveal()
    ),
    "unknown agent": Forged(NAMES_ANOTHER, 404, agent="other"),
    "garbage": Forged(b"\x00\xff{{{", 422),
    "huge": Forged(b'"' + b"x" * 11 * MEGABYTE + b'"', 413),
    "names another's record": Forged(NAMES_ANOTHER, 204),
}


@pytest.fixture(scope="module")
async def open_offer(breakable: Site) -> Json:
    """An offer that its holder is looking at; nobody has accepted it."""
    phone = await breakable.small.phone()
    offer = await breakable.small.issues.offer("service-eligibility", **eligibility())
    await phone.look(offer["link"], offer["code"])
    return await breakable.small.issues.issued(offer, "offered")


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
async def test_forged_ones_move_nothing(site: Site, open_offer: Json, forged: Forged) -> None:
    body = forged.body
    if b"%s" in body:
        names = [name.encode() for name in _names_of(site, open_offer)]
        body = body % (names[0], names[1])
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for topic in ("issue_credential_v2_0", "connections", "present_proof_v2_0"):
            answer = await client.post(
                f"{site.settings.internal_url}/webhooks/{forged.agent}/topic/{topic}/",
                content=body,
                headers={"x-api-key": forged.key(site)},
            )
            assert answer.status_code == forged.status
            assert "Traceback" not in answer.text
    await asyncio.sleep(0.3)
    assert await _state(site.small.issues, open_offer) == "offered"


async def _state(desk: Desk, issuance: Json) -> str:
    return str((await desk.get(f"/api/issuer/issuances/{issuance['id']}"))["state"])


def _names_of(site: Site, issuance: Json) -> tuple[str, str]:
    """The exchange and the invitation of an issuance, as the database has them."""
    query = "SELECT exchange_id, invitation_id FROM issuance WHERE id = ?"
    found: tuple[str, str] = site.query(query, issuance["id"])[0]
    return found
