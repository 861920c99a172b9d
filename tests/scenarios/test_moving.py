"""A holder moves to a wallet of another maker: asked by the app, done by the desk (ADR 28)."""

from __future__ import annotations

import httpx
import pytest

from agent.wallets import WalletsAgent
from controllers.story.cast import Cast
from controllers.story.checking import check, why_refused
from controllers.story.issuing import eligibility, issue
from controllers.story.people import Desk, Json, Phone, Refused
from core.secret import Secret
from tests.scenarios.holders import new_phone, taken_elsewhere
from tests.support.waiting import until

pytestmark = pytest.mark.agents

CREDENTIAL = "service-eligibility"


async def how_it_stands(phone: Phone) -> Json:
    (found,) = (await phone.open.get("/api/wallet/moves"))["items"]
    assert isinstance(found, dict)
    return found


async def ask(phone: Phone) -> None:
    (held,) = await phone.credentials()
    await phone.open.post(f"/api/wallet/credentials/{held['id']}/move")


async def asked_for(desk: Desk) -> list[str]:
    listed = await desk.get("/api/issuer/issuances", asked="move")
    return [each["id"] for each in listed["items"]]


async def offered_anew(desk: Desk, replaced: Json) -> Json:
    body = {"credential": CREDENTIAL, "values": eligibility(), "replaces": replaced["id"]}
    return await desk.post("/api/issuer/issuances", body)


async def test_a_credential_moves_over_the_desk(
    cast: Cast, browser: httpx.AsyncClient, other_wallet: tuple[WalletsAgent, Secret]
) -> None:
    phone, desk = await new_phone(cast), cast.issuing("shelter-a")
    old = await issue(cast, phone, "shelter-a", CREDENTIAL, **eligibility())
    assert (await how_it_stands(phone))["state"] == "possible"

    await ask(phone)
    assert (await how_it_stands(phone))["state"] == "asked"
    assert old["id"] in await asked_for(desk)

    new = await offered_anew(desk, old)
    assert (await how_it_stands(phone))["state"] == "offered"
    # until the new one is there, the old one is good
    _, verdict = await check(cast.checking("shelter-b"), phone, "shelter")
    assert why_refused(verdict) == "accepted"

    values = await taken_elsewhere(browser, new, other_wallet)
    assert values["household_size"] == "2"
    assert (await desk.issued(new))["replaces"] == old["id"]

    async def withdrawn() -> bool:
        found = await desk.get(f"/api/issuer/issuances/{old['id']}")
        assert found["replaced_by"] == new["id"]
        return found["revoked_at"] is not None

    await until(withdrawn, seconds=30)
    assert (await how_it_stands(phone))["state"] == "moved"
    (held,) = await phone.credentials(state=True)
    assert held["revoked"] is True
    _, verdict = await check(cast.checking("shelter-b"), phone, "shelter")
    assert why_refused(verdict) != "accepted"
    assert old["id"] not in await asked_for(desk)


async def test_the_phone_alone_moves_nothing(cast: Cast) -> None:
    """Whoever forces a phone open can ask, and then it is the desk's turn."""
    phone, desk = await new_phone(cast), cast.issuing("shelter-a")
    old = await issue(cast, phone, "shelter-a", CREDENTIAL, **eligibility())
    for _ in range(2):
        await ask(phone)
    found = await desk.get(f"/api/issuer/issuances/{old['id']}")
    assert found["move_asked_at"] is not None
    assert (found["replaced_by"], found["revoked_at"]) == (None, None)
    (held,) = await phone.credentials(state=True)
    assert held["revoked"] is False
    new = await offered_anew(desk, old)
    with pytest.raises(Refused) as refused:
        await phone.look(new["link"], "000000")  # the code is said to her, at the desk
    assert refused.value.problem["status"] == 403
    await desk.post(f"/api/issuer/issuances/{new['id']}/cancel")
    assert (await how_it_stands(phone))["state"] == "asked"
