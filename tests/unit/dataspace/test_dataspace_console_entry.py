"""Who comes in, where she may stand, and which forms count."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from console_hands import BASE, a_member, cookie_of, hands_at, hosted_console, own_console
from fastapi.routing import APIRoute

from controllers.dataspace.console import deciding, routes, signing, tour
from controllers.dataspace.console.entry import COOKIE
from controllers.dataspace.console.members import INVITED_DAYS, Members
from controllers.dataspace.console.sessions import Sessions
from controllers.staff.relying import RelyingParty
from core.errors import Conflict, Gone, NotAuthenticated
from tests.fakes.authenticator import Authenticator
from tests.fakes.dataspace_nodes import PLACES, FakeSpace

OPEN = {"/enter", "/sign-in", "/enrol"}
BEFORE = {"/sign-in/begin", "/sign-in/finish", "/enrol/begin", "/enrol/finish"}
VALUES = {
    "place": "police",
    "name": "counts",
    "digest": "zx",
    "tag": "ab",
    "kind": "csv",
    "step": "run",
}
ROUTES = [
    (method, route.path.format(**VALUES))
    for router in (signing.router, tour.router, routes.router, deciding.router)
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
GUARDED = [each for each in ROUTES if each[1] not in OPEN | BEFORE]
AT_ONE = [each for each in GUARDED if each[1].startswith("/at/")]


async def test_a_link_opens_once(tmp_path: Path) -> None:
    space = FakeSpace()
    console = own_console(space)
    secret = console.sessions.link("Somebody", tuple(PLACES))
    async with hands_at(space, console, signed_in=False) as hands:
        answer = await hands.post("/enter", [("token", f"{BASE}/enter#{secret}")])
        assert answer.url.path == "/"
        cookie = answer.history[0].headers["set-cookie"]
        assert all(each in cookie for each in ("HttpOnly", "SameSite=strict", "Path=/"))
    async with hands_at(space, console, signed_in=False) as hands:
        assert (await hands.post("/enter", [("token", secret)])).status_code == 410
        assert (await hands.open("/")).url.path == "/enter"


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_nobody_gets_in_without_a_session(method: str, path: str) -> None:
    space = FakeSpace()
    async with hands_at(space, own_console(space), signed_in=False) as hands:
        answer = await hands.client.request(method, path, follow_redirects=False)
    assert answer.status_code in (303, 401)
    assert not space.asked  # no node was asked for somebody unknown


@pytest.mark.parametrize(("method", "path"), [each for each in GUARDED if each[0] == "POST"])
async def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(
    method: str, path: str
) -> None:
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as hands:
        session = hands.console.sessions.recognise(hands.client.cookies[COOKIE])
        for fields, headers in (
            ([], {}),
            ([("csrf", "x" * 43)], {}),
            ([("csrf", session.csrf)], {"Sec-Fetch-Site": "cross-site"}),
            ([("csrf", session.csrf)], {"Sec-Fetch-Site": "same-site"}),
        ):
            answer = await hands.post(path, fields, headers=headers)
            assert answer.status_code == 403, (fields, headers)
    assert [each for each in space.asked if " POST " in each] == []


@pytest.mark.parametrize(("method", "path"), AT_ONE)
async def test_another_organisations_pages_are_as_if_they_were_not_there(
    tmp_path: Path, method: str, path: str
) -> None:
    space = FakeSpace()
    console = hosted_console(space, tmp_path)
    async with hands_at(space, console, signed_in=False) as hands:
        hands.client.cookies.set(COOKIE, cookie_of(console, "shelter-a"))
        session = console.sessions.recognise(hands.client.cookies[COOKIE])
        fields = [("csrf", session.csrf)]
        answer = await (hands.open(path) if method == "GET" else hands.post(path, fields))
        assert answer.status_code == 404
        nowhere = path.replace("/at/police", "/at/nowhere")
        same = await (hands.open(nowhere) if method == "GET" else hands.post(nowhere, fields))
        assert same.status_code == 404
    assert not any(each.startswith("police ") for each in space.asked)


async def test_a_guest_sees_and_attacks_by_her_own_node_alone(tmp_path: Path) -> None:
    space = FakeSpace()
    console = hosted_console(space, tmp_path)
    async with hands_at(space, console, signed_in=False) as hands:
        hands.client.cookies.set(COOKIE, cookie_of(console, "police"))
        for path in ("/", "/tour", "/tour/evaluator", "/at/police", "/tour/two-plans"):
            assert (await hands.open(path)).status_code == 200
        await hands.open("/tour/low-threshold")
        await hands.send("/tour/low-threshold")
        session = console.sessions.recognise(hands.client.cookies[COOKIE])
        for path in ("/tour/two-plans", "/at/police/plans/zx/approve-all"):
            answer = await hands.post(path, [("csrf", session.csrf), ("days", "1")])
            assert answer.status_code == 404
    assert {each.split()[0] for each in space.asked} == {"police"}


async def test_pages_are_sent_with_strict_headers() -> None:
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as hands:
        for path in ("/", "/at/police", "/tour", "/nowhere", "/enter"):
            answer = await hands.open(path)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/at/police/plans/..%2Fnode", "/at/police/runs/%2e%2e", "/at/Police", "/tour/A"],
)
async def test_an_address_reaches_no_other_path_of_a_node(path: str) -> None:
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as hands:
        answer = await hands.open(path)
    assert answer.status_code in (404, 422)
    assert not any("POST" in each for each in space.asked)


# --- invitations, passkeys, sessions ---------------------------------------------------------


async def enrol(client: Any, secret: str, device: Authenticator) -> Any:
    begun = await client.post("/enrol/begin", json={"token": secret})
    if begun.status_code != 200:
        return begun
    return await client.post(
        "/enrol/finish",
        json={
            "token": secret,
            "ceremony": begun.json()["ceremony"],
            "credential": device.make(begun.json()["options"]),
        },
    )


async def test_an_invitation_makes_a_passkey_for_one_organisation(tmp_path: Path) -> None:
    space = FakeSpace()
    console = hosted_console(space, tmp_path)
    assert console.members is not None
    secret, device = console.members.invite("labour", "Sokha"), Authenticator(BASE, "localhost")
    async with hands_at(space, console, signed_in=False) as hands:
        client = hands.client
        client.headers["Accept"] = "application/json"
        assert (await enrol(client, secret, device)).status_code == 200
        session = console.sessions.recognise(client.cookies[COOKIE])
        assert (session.places, session.name) == (("labour",), "Sokha")
        assert (await enrol(client, secret, device)).status_code == 410  # used up
        client.cookies.clear()
        begun = await client.post("/sign-in/begin", json={})
        answer = {
            "ceremony": begun.json()["ceremony"],
            "credential": device.answer(begun.json()["options"]),
        }
        assert (await client.post("/sign-in/finish", json=answer)).status_code == 200
        assert console.sessions.recognise(client.cookies[COOKIE]).places == ("labour",)
        again = await client.post("/sign-in/finish", json=answer)
        assert again.status_code == 401  # a question is answered once
        foreign = await client.post("/sign-in/begin", data={"x": "y"})
        assert foreign.status_code == 403  # as a form of another site would


async def test_a_passkey_of_another_member_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device chooses its passkey's id, so one can be made that says to be another's."""
    members = hosted_console(FakeSpace(), tmp_path).members
    assert members is not None
    victim, thief = Authenticator(BASE, "localhost"), Authenticator(BASE, "localhost")
    made = []
    for device, place in ((victim, "labour"), (thief, "police")):
        secret = members.invite(place, place)
        begun = members.begin_enrolment(secret)
        with monkeypatch.context() as same_id:
            same_id.setattr(secrets, "token_bytes", bytes)
            made.append((secret, begun["ceremony"], device.make(begun["options"])))
    members.finish_enrolment(*made[0])
    with pytest.raises(Conflict):
        members.finish_enrolment(*made[1])
    asked = members.begin_sign_in()
    answer = victim.answer(asked["options"])
    assert members.finish_sign_in(asked["ceremony"], answer).place == "labour"


async def test_the_file_holds_no_secret_and_is_read_again(tmp_path: Path) -> None:
    party = RelyingParty.at(BASE, "Data space")
    secret = Members(tmp_path / "members.json", party).invite("police", "Dara")
    content = (tmp_path / "members.json").read_text()
    assert secret not in content
    assert (tmp_path / "members.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(content)["invitations"]
    begun = Members(tmp_path / "members.json", party).begin_enrolment(secret)
    assert begun["name"] == "Dara"


async def test_an_invitation_ends_by_itself(tmp_path: Path) -> None:
    clock = [0.0]
    party = RelyingParty.at(BASE, "Data space")
    members = Members(tmp_path / "members.json", party, lambda: clock[0])
    secret = members.invite("police", "Dara")
    clock[0] = INVITED_DAYS * 86400 + 1
    with pytest.raises(Gone):
        members.begin_enrolment(secret)


async def test_a_colleague_is_invited_to_ones_own_organisation(tmp_path: Path) -> None:
    space = FakeSpace()
    console = hosted_console(space, tmp_path)
    assert console.members is not None
    inviter, _ = a_member(console.members, "police")
    async with hands_at(space, console, signed_in=False) as hands:
        value = console.sessions.open("Dara", ("police",), inviter.id)
        hands.client.cookies.set(COOKIE, value)
        await hands.open("/at/police")
        await hands.send("/at/police/invite", ("name", "A  Colleague"))
        secret = hands.text.split("/enrol#")[1].split("<")[0]
    assert console.members.begin_enrolment(secret)["name"] == "A Colleague"
    (invited,) = json.loads((tmp_path / "members.json").read_text())["invitations"].values()
    assert invited["by"] == inviter.id


def test_a_session_ends_idle_and_at_the_latest() -> None:
    clock = [0.0]
    sessions = Sessions(100, lambda: clock[0])
    idle = sessions.open("A", ("police",))
    clock[0] = 101
    with pytest.raises(NotAuthenticated):
        sessions.recognise(idle)
    busy = sessions.open("B", ("police",))
    for _ in range(600):
        clock[0] += 60
        sessions.recognise(busy)
    clock[0] += 60
    with pytest.raises(NotAuthenticated):
        sessions.recognise(busy)


def test_nothing_shows_a_secret() -> None:
    sessions = Sessions(100)
    value = sessions.open("A", ("police",))
    session = sessions.recognise(value)
    assert session.csrf not in repr(session)


async def test_more_than_a_form_holds_is_not_taken(tmp_path: Path) -> None:
    space = FakeSpace()
    async with hands_at(space, hosted_console(space, tmp_path), signed_in=False) as hands:
        answer = await hands.client.post("/enrol/begin", json={"token": "x" * 300_000})
        assert answer.status_code == 413
        assert (await hands.post("/enter", [("token", "x" * 70_000)])).status_code == 413
