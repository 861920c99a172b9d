"""Short links (docs/adr/0007): previews, codes, the one wallet they bind to, other wallets."""

from __future__ import annotations

import asyncio
import html
import secrets
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest
from sqlalchemy import update

from agent.organisations import attached_request
from agent.wallets import WalletsAgent
from controllers.moment import now
from controllers.store.models import Link
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility
from controllers.story.people import Desk, Json, Refused
from controllers.words import words
from core.secret import Secret
from tests.scenarios.holders import (
    new_phone,
    place,
    posted,
    shown_invitation,
    taken_elsewhere,
)
from tests.support.installation import Installation

pytestmark = pytest.mark.agents

JSON = {"Accept": "application/json"}
LANGUAGES = {"en": "en-GB,en;q=0.9", "es": "es-MX,en;q=0.5", "km": "km"}
WRONG = "0OIL10"  # no code has any of these characters


@pytest.fixture(scope="module")
def issuer(cast: Cast) -> Desk:
    return cast.issuing("shelter-a")


@pytest.fixture(scope="module")
def verifier(cast: Cast) -> Desk:
    return cast.checking("shelter-b")


async def offer(issuer: Desk) -> Json:
    return await issuer.offer("service-eligibility", **eligibility())


def claim() -> str:
    return secrets.token_urlsafe(32)


async def accept(
    browser: httpx.AsyncClient, made: Json, who: str, code: str | None = None
) -> httpx.Response:
    body = {"claim": who, "code": code or made["code"]}
    return await browser.post(f"{place(made)}/accept", json=body)


async def over(installation: Installation, made: Json) -> None:
    """As if the link's time had passed."""
    digest = sha256(place(made).removeprefix("/l/").encode()).hexdigest()
    async with installation.haven.database.transaction() as session:
        ended = update(Link).where(Link.token_digest == digest)
        await session.execute(ended.values(expires_at=now() - timedelta(seconds=1)))


# --- looking ------------------------------------------------------------------------------


async def test_previews_consume_nothing(
    cast: Cast, issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made = await offer(issuer)
    for headers in ({}, JSON, {"User-Agent": "WhatsApp/2", "Accept": "*/*"}):
        for _ in range(3):
            answer = await browser.get(place(made), headers=headers)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await issuer.get(f"/api/issuer/issuances/{made['id']}"))["state"] == "waiting"
    phone = await new_phone(cast)
    await phone.take(made)
    assert (await issuer.issued(made))["state"] == "issued"


async def test_a_check_can_be_previewed_and_then_answered(
    verifier: Desk, browser: httpx.AsyncClient
) -> None:
    asked = await verifier.ask("shelter")
    seen = [(await browser.get(place(asked), headers=JSON)).json() for _ in range(3)]
    assert seen[0] == seen[1] == seen[2]
    found = await verifier.get(f"/api/verifier/checks/{asked['id']}")
    assert (found["state"], found["verdict"]) == ("waiting", None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["offer", "check"])
async def test_the_page_speaks_the_reader_s_language_and_names_nobody(
    issuer: Desk, verifier: Desk, browser: httpx.AsyncClient, kind: str, language: str
) -> None:
    made = await (offer(issuer) if kind == "offer" else verifier.ask("shelter"))
    headers = {"Accept": "text/html", "Accept-Language": LANGUAGES[language]}
    page = (await browser.get(place(made), headers=headers)).text
    assert f'<html lang="{language}">' in page
    assert html.escape(words(language, f"link.{kind}")) in page
    for telling in ("Harbour", "River House", "shelter", "eligib", "did:webvh", "survivor"):
        assert telling.lower() not in page.lower()


async def test_the_invitation_behind_a_check_s_link(
    verifier: Desk, browser: httpx.AsyncClient
) -> None:
    """RFC 0434, "URL Shortening": Accept: application/json answers the invitation."""
    asked = await verifier.ask("shelter")
    answer = await browser.get(place(asked), headers=JSON)
    invitation = answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    assert invitation["@type"] == "https://didcomm.org/out-of-band/1.1/invitation"
    assert attached_request(invitation)["requested_attributes"]
    statement = (await browser.get(f"{place(asked)}/statement")).json()
    assert statement["issuer"].startswith("did:webvh:")


async def test_an_offer_s_invitation_needs_the_code(
    issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made = await offer(issuer)
    assert (await browser.get(place(made), headers=JSON)).json() == {
        "kind": "offer",
        "needs_code": True,
    }
    assert (await browser.get(f"{place(made)}/statement")).status_code == 404
    without = await browser.post(f"{place(made)}/accept", json={"claim": claim()})
    assert without.status_code == 403


async def test_a_link_that_never_was(browser: httpx.AsyncClient) -> None:
    address = f"/l/{secrets.token_urlsafe(32)}"
    assert (await browser.get(address, headers=JSON)).status_code == 404
    assert (await browser.get(address)).status_code == 404


# --- taking up ----------------------------------------------------------------------------


async def test_five_wrong_codes_end_a_link(issuer: Desk, browser: httpx.AsyncClient) -> None:
    made, who = await offer(issuer), claim()
    wrong = [(await accept(browser, made, who, WRONG)).status_code for _ in range(5)]
    assert wrong == [403] * 5
    right = await accept(browser, made, who)
    assert right.status_code == 429
    assert right.json()["type"] == "urn:haven:problem:too-many-tries"


async def test_guessing_at_once_gets_no_more_tries(
    issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made = await offer(issuer)
    answers = await asyncio.gather(*(accept(browser, made, claim(), WRONG) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [403] * 5 + [429] * 7
    assert (await accept(browser, made, claim())).status_code == 429


async def test_four_wrong_codes_do_not(issuer: Desk, browser: httpx.AsyncClient) -> None:
    made, who = await offer(issuer), claim()
    for _ in range(4):
        await accept(browser, made, who, WRONG)
    lower = await accept(browser, made, who, f" {made['code'].lower()} ")
    assert lower.status_code == 200


async def test_the_first_wallet_may_ask_again_and_a_second_one_not(
    issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made, mine = await offer(issuer), claim()
    first, again = await accept(browser, made, mine), await accept(browser, made, mine)
    assert first.status_code == 200
    assert first.json() == again.json()
    other = await accept(browser, made, claim())
    assert other.status_code == 410
    assert "used already" in other.json()["detail"]


async def test_of_two_wallets_at_once_one_gets_it(
    issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made = await offer(issuer)
    answers = await asyncio.gather(*(accept(browser, made, claim()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 5


async def test_two_of_our_own_wallets(cast: Cast, issuer: Desk) -> None:
    made = await offer(issuer)
    first, second = await new_phone(cast), await new_phone(cast)
    seen = await first.look(made["link"], made["code"])
    with pytest.raises(Refused) as refused:
        await second.look(made["link"], made["code"])
    assert refused.value.problem["status"] == 410
    assert (await first.look(made["link"], made["code"]))["id"] == seen["id"]
    await first.take(made)
    assert (await issuer.issued(made))["state"] == "issued"
    assert await second.credentials() == []


@pytest.mark.parametrize("kind", ["offer", "check"])
async def test_a_link_whose_time_is_over(
    installation: Installation,
    issuer: Desk,
    verifier: Desk,
    browser: httpx.AsyncClient,
    kind: str,
) -> None:
    made = await (offer(issuer) if kind == "offer" else verifier.ask("shelter"))
    await over(installation, made)
    # once the purge has removed it, it is as if it had never been
    answers = [
        await browser.get(place(made), headers=JSON),
        await browser.get(place(made)),
        await browser.get(f"{place(made)}/statement"),
        await accept(browser, made, claim(), made.get("code", "ABCDEF")),
    ]
    assert {answer.status_code for answer in answers} <= {410, 404}


# --- another maker's wallet ---------------------------------------------------------------


async def test_the_page_takes_the_code_and_no_wallet_after_it(
    issuer: Desk, browser: httpx.AsyncClient
) -> None:
    made = await offer(issuer)
    wrong = await posted(browser, made, WRONG)
    assert wrong.status_code == 403
    assert words("en", "link.wrong-code") in wrong.text
    first, again = [await posted(browser, made, made["code"]) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert shown_invitation(first.text) == shown_invitation(again.text)
    assert (await accept(browser, made, claim(), made["code"])).status_code == 410


async def test_another_maker_s_wallet_gets_the_credential(
    issuer: Desk, browser: httpx.AsyncClient, other_wallet: tuple[WalletsAgent, Secret]
) -> None:
    made = await offer(issuer)
    values = await taken_elsewhere(browser, made, other_wallet)
    assert (values["region"], values["household_size"]) == ("US-OR", "2")
    assert (await issuer.issued(made))["state"] == "issued"
