"""Another ecosystem's registry: asked for what we recognise, believed no further."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from controllers_house import House
from starlette.applications import Starlette

from controllers.access import Role
from controllers.federation.service import Federation, Foreign
from controllers.trqp.routes import routes
from core.decision import Deny, Permit
from core.errors import Unavailable
from governance import documents
from governance.engine import Framework, parse_framework

OURS = "did:webvh:QmOurs:ours.example:o:authority1"
THEIRS = "did:webvh:QmTheirs:theirs.example:o:authority1"
SHELTER = "did:webvh:QmS:theirs.example:o:shelter01"
STRANGER = "did:webvh:QmN:x.example:o:nobody01"
QUESTION = Foreign(THEIRS, SHELTER, "issue", "identity")


def framework(
    authority: str, endorsed: str, until: timedelta = timedelta(days=30)
) -> Framework:
    """An ecosystem with one shelter, which recognises another one for identities."""
    at = datetime.now(UTC) - timedelta(hours=1)
    made = documents.new_framework(documents.packaged_rules(), authority, at)
    made = documents.with_participant(made, did=SHELTER, role="shelter", name="S", at=at)
    made = documents.with_endorsement(
        made,
        endorsement_id="other",
        authority=endorsed,
        name="Other",
        endpoint="https://registry.example/trqp",
        scope={"issue": ["identity"], "ask": ["court-proceeding"]},
        until=at + until,
        at=at,
    )
    return parse_framework(documents.serialise(made))


class Fixed:
    """A governance service of one framework."""

    def __init__(self, governed: Framework) -> None:
        self.governed = governed

    async def recent(self) -> Framework:
        return self.governed

    async def in_force(self, moment: datetime) -> Framework:
        return self.governed


@dataclass
class Registry(httpx.AsyncBaseTransport):
    """Their registry as it is, behind whatever stands between; counts what it is asked."""

    governed: Framework
    change: Callable[[dict[str, Any]], dict[str, Any]] = dict
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    status: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        app = Starlette()
        app.mount("/trqp", routes(Fixed(self.governed), cast(Any, None), "https://x.example"))
        answer = await httpx.ASGITransport(app).handle_async_request(request)
        body = json.loads(await answer.aread())
        return httpx.Response(
            self.status or answer.status_code, json=self.change(body), headers=self.headers
        )


def federation(registry: Registry, **more: Any) -> Federation:
    return Federation(Fixed(framework(OURS, THEIRS)), registry, **more)


def theirs(**more: Any) -> Registry:
    return Registry(framework(THEIRS, OURS), **more)


async def test_a_participant_of_theirs_is_asked_of_them() -> None:
    decision = await federation(theirs()).decide(QUESTION)
    assert decision == Permit(("endorsements/other",))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Foreign(THEIRS, SHELTER, "issue", "guardianship"), "outside-recognition"),
        (Foreign(THEIRS, SHELTER, "compute", "overlap"), "outside-recognition"),
        (Foreign(STRANGER, SHELTER, "issue", "identity"), "not-recognised"),
        (Foreign(THEIRS, STRANGER, "issue", "identity"), "not-authorised-there"),
        (Foreign(THEIRS, SHELTER, "ask", "court-proceeding"), "not-authorised-there"),
    ],
)
async def test_what_was_not_recognised_is_a_no(question: Foreign, reason: str) -> None:
    registry = theirs()
    decision = await federation(registry).decide(question)
    assert isinstance(decision, Deny)
    assert decision.reason == reason
    assert registry.asked == (reason == "not-authorised-there")  # else nobody is asked at all


async def test_a_loop_of_recognitions_ends_after_one_hop() -> None:
    """They recognise us and we them: a question about one of ours is none of theirs."""
    registry = theirs()
    decision = await federation(registry).decide(Foreign(OURS, SHELTER, "issue", "identity"))
    assert isinstance(decision, Deny)
    assert registry.asked == 0
    own = Foreign(THEIRS, OURS, "issue", "identity")
    assert isinstance(await federation(registry).decide(own), Deny)
    assert registry.asked == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer | {"entity_id": STRANGER},
        lambda answer: answer | {"authority_id": OURS},
        lambda answer: answer | {"resource": "guardianship"},
        lambda answer: answer | {"authorized": "true"},
        lambda answer: answer | {"authorized": 1},
        lambda answer: answer | {"time_evaluated": "2020-01-01T00:00:00Z"},
        lambda answer: answer | {"time_evaluated": "now"},
        lambda answer: {name: answer[name] for name in answer if name != "authorized"},
    ],
)
async def test_an_answer_to_something_else_is_a_no(
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    assert isinstance(await federation(theirs(change=change)).decide(QUESTION), Deny)


@pytest.mark.parametrize("status", [301, 401, 429, 500, 503])
async def test_what_cannot_be_asked_is_no_answer(status: int) -> None:
    with pytest.raises(Unavailable):
        await federation(theirs(status=status)).decide(QUESTION)


async def test_an_endless_answer_is_given_up() -> None:
    with pytest.raises(Unavailable):
        await federation(theirs(change=lambda a: a | {"x": "y" * 100_000})).decide(QUESTION)


async def test_an_answer_is_kept_as_long_as_it_says() -> None:
    at = [0.0]
    registry = theirs(headers={"Cache-Control": "public, max-age=60"})
    asking = federation(registry, clock=lambda: at[0])
    for moment, asked in ((0.0, 1), (59.0, 1), (61.0, 2)):
        at[0] = moment
        assert isinstance(await asking.decide(QUESTION), Permit)
        assert registry.asked == asked


@pytest.mark.parametrize("said", ["", "no-store, max-age=60", "private"])
async def test_without_leave_nothing_is_kept(said: str) -> None:
    registry = theirs(headers={"Cache-Control": said} if said else {})
    asking = federation(registry)
    for count in (1, 2):
        await asking.decide(QUESTION)
        assert registry.asked == count


async def test_what_is_kept_ends_with_the_recognition() -> None:
    registry = theirs(headers={"Cache-Control": "max-age=3600"})
    governing = Fixed(framework(OURS, THEIRS))
    asking = Federation(governing, registry)
    assert isinstance(await asking.decide(QUESTION), Permit)
    governing.governed = framework(OURS, THEIRS, until=timedelta(minutes=30))  # over by now
    decision = await asking.decide(QUESTION)
    assert isinstance(decision, Deny)
    assert decision.reason == "recognition-not-current"


async def test_only_https_at_public_hosts_is_asked(small_house: House) -> None:
    """An endpoint in a signed framework is still somebody else's word."""
    house = small_house.haven
    for number, endpoint in enumerate(("http://registry.example", "https://127.0.0.1:1")):
        authority = f"{THEIRS}{number}"
        await house.governance.change(
            lambda document, at, authority=authority, endpoint=endpoint: (
                documents.with_endorsement(
                    document,
                    endorsement_id=authority[-4:],
                    authority=authority,
                    name="Other",
                    endpoint=endpoint,
                    scope={"issue": ["identity"]},
                    until=at + timedelta(days=1),
                    at=at,
                )
            )
        )
        body = {"authority": authority, "entity": SHELTER, **_of("issue", "identity")}
        async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
            answer = await client.post("/api/governance/elsewhere", json=body)
        assert answer.status_code == 503


async def test_the_api_says_no_with_the_rule(small_house: House) -> None:
    body = {"authority": STRANGER, "entity": SHELTER, **_of("issue", "identity")}
    async with small_house.client(await small_house.key("court", Role.CHECK)) as client:
        answer = (await client.post("/api/governance/elsewhere", json=body)).json()
    assert (answer["permitted"], answer["reason"]) == (False, "not-recognised")


def _of(action: str, resource: str) -> dict[str, str]:
    return {"action": action, "resource": resource}
