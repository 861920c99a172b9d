"""The same on real agents, with what an agent chokes on: a few dozen requests.

Values that may be signed come out of the wallet as they went in; whatever may not is refused
before it gets to an agent, or with a problem document if the agent refuses it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from judged import judge
from rubbish import MARK, SPOILING

from controllers.story.cast import Cast, gather_cast
from controllers.story.issuing import in_days
from controllers.story.people import Phone
from controllers.story.telling import Teller
from tests.support.installation import Installation

pytestmark = pytest.mark.agents

STRANGE_NAMES = {
    "khmer": "សុខា",
    "right to left": "שלום עולם",
    "combining": "e\u0301toile",
    "outside the first plane": "𝒵\U0001f600",
    "quotes": 'O\'Brien "the" \\ 100% {x} ${y} <b>',
    "long": "ñ" * 100,
    "number": "000123",
    "JSON": '{"a": [1, null]}',
}


@pytest.fixture(scope="module")
async def cast(installation: Installation) -> AsyncIterator[Cast]:
    gathered = await gather_cast(
        Teller(), installation.settings, installation.secrets.operator_key
    )
    yield gathered
    await gathered.close()


@pytest.fixture(scope="module")
async def phone(cast: Cast) -> Phone:
    return await (await Phone.new(cast.base_url)).unlock()


def http_of(caller: object) -> httpx.AsyncClient:
    client: httpx.AsyncClient = vars(caller)["_http"]
    return client


def identity(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "given_names": "Invented",
        "family_name": "Person",
        "birthdate_dateint": 19980412,
        "assurance_level": 2,
        "issued_dateint": in_days(0),
        "expires_dateint": in_days(365),
    }
    return values | changes


async def test_strange_names_come_out_as_they_went_in(cast: Cast, phone: Phone) -> None:
    desk = cast.issuing("shelter-a")
    for given in STRANGE_NAMES.values():
        offer = await desk.offer("identity", **identity(given_names=given))
        seen = await phone.take(offer)
        shown = {each["attribute"]: each["value"] for each in seen["values"]}
        assert shown["given_names"] == unicodedata.normalize("NFC", given)
        await desk.issued(offer)


@pytest.mark.parametrize("attribute", ["given_names", "birthdate_dateint", "assurance_level"])
async def test_no_value_upsets_the_desk(cast: Cast, attribute: str) -> None:
    desk = http_of(cast.issuing("shelter-a"))
    for spoilt in (*SPOILING.values(), 2**31, -(2**31) - 1, "1e3", "٣", ""):
        body = {"credential": "identity", "values": identity(**{attribute: spoilt})}
        answer = await desk.post(
            "/api/issuer/issuances",
            content=_json(body),
            headers={"Content-Type": "application/json"},
        )
        judge(answer)
        if answer.status_code >= 400:
            assert MARK not in answer.text


def _json(body: Any) -> bytes:
    """With lone surrogates escaped: httpx would not send them."""
    return json.dumps(body).encode()


async def test_no_invitation_upsets_a_wallet(phone: Phone) -> None:
    wallet = http_of(phone.open)
    kind = "https://didcomm.org/out-of-band/1.1/invitation"
    for spoilt in SPOILING.values():
        for invitation in (
            {"@type": kind, "@id": spoilt, "services": spoilt},
            {"@type": kind, "@id": MARK, "requests~attach": [{"data": {"json": spoilt}}]},
            {"@type": spoilt, "label": spoilt},
        ):
            body = {"invitation": invitation, "statement": {"issuer": spoilt, "x": spoilt}}
            answer = await wallet.post(
                "/api/wallet/links",
                content=_json(body),
                headers={"Content-Type": "application/json"},
            )
            judge(answer)
            assert answer.status_code >= 400
            assert MARK not in answer.text


async def test_no_id_upsets_a_wallet(phone: Phone) -> None:
    wallet = http_of(phone.open)
    for strange in ("none", "0" * 64, "a-" * 32, "%00", "%2e%2e", MARK, "-", "--help"):
        for answer in (
            await wallet.post(f"/api/wallet/offers/{strange}/accept"),
            await wallet.post(f"/api/wallet/offers/{strange}/decline"),
            await wallet.post(f"/api/wallet/requests/{strange}/accept", json={}),
            await wallet.post(f"/api/wallet/requests/{strange}/decline"),
            await wallet.delete(f"/api/wallet/credentials/{strange}"),
            await wallet.delete(f"/api/wallet/history/{strange}"),
            await wallet.post(
                f"/api/wallet/wallets/{strange}/sessions", json={"key": "A" * 43}
            ),
            await wallet.post(f"/api/wallet/wallets/{strange}/destroy", json={"key": "A" * 43}),
        ):
            judge(answer)
            assert MARK not in answer.text
