"""Who is invited and signed in to a console: nobody takes another one's room, and what has
ended is gone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from console_hands import BASE, a_member, hands_at, hosted_console, members_in, own_console

from controllers.dataspace.console import members as members_module
from controllers.dataspace.console.entry import COOKIE, Console
from controllers.dataspace.console.members import Member
from controllers.dataspace.console.sessions import Sessions
from controllers.dataspace.sandbox_command import first_links, made_console
from core.errors import Conflict, Gone, InvalidInput, NotAuthenticated, TooManyRequests
from core.secret import Secret
from tests.fakes.authenticator import Authenticator
from tests.fakes.dataspace_nodes import PLACES, FakeSpace


async def test_who_invites_without_end_ends_nobody_elses_invitation(tmp_path: Path) -> None:
    members = members_in(tmp_path)
    police = members.invite("police", "The first")
    busy, _ = a_member(members, "labour")
    other, _ = a_member(members, "labour")
    own = [members.invite("labour", "Somebody", busy.id) for _ in range(10)]
    with pytest.raises(TooManyRequests) as refused:
        members.invite("labour", "One more", busy.id)
    assert refused.value.code == "invitations-many"
    assert members.begin_enrolment(police)["name"] == "The first"
    assert members.begin_enrolment(own[0])  # refused was the newest
    assert members.begin_enrolment(members.invite("labour", "Of another", other.id))
    for _ in range(50 - 11):
        members.invite("labour", "By the operator")
    with pytest.raises(TooManyRequests):
        members.invite("labour", "One more")
    assert members.begin_enrolment(members.invite("police", "Still"))


async def test_an_organisation_has_room_for_so_many_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_module, "_MOST_PEOPLE", 2)
    members = members_in(tmp_path)
    late = members.invite("police", "Late")
    begun, device = members.begin_enrolment(late), Authenticator(BASE, "localhost")
    for _ in range(2):
        a_member(members, "police")
    with pytest.raises(Conflict):
        members.invite("police", "One more")
    with pytest.raises(Conflict):
        members.finish_enrolment(late, begun["ceremony"], device.make(begun["options"]))
    a_member(members, "labour")


async def test_who_asks_to_sign_in_without_end_keeps_nobody_out(tmp_path: Path) -> None:
    members = members_in(tmp_path)
    member, device = a_member(members, "police")
    secret, new = members.invite("police", "New"), Authenticator(BASE, "localhost")
    enrolling, signing_in = members.begin_enrolment(secret), members.begin_sign_in()
    for _ in range(1500):
        members.begin_sign_in()
    kept = [value for value in vars(members).values() if isinstance(value, dict | list)]
    assert sum(map(len, kept)) < 10  # nothing is kept of what nobody has answered
    answer = device.answer(signing_in["options"])
    assert members.finish_sign_in(signing_in["ceremony"], answer).id == member.id
    made = new.make(enrolling["options"])
    assert members.finish_enrolment(secret, enrolling["ceremony"], made)


async def test_a_question_is_answered_once_in_time_and_for_what_it_was_asked(
    tmp_path: Path,
) -> None:
    clock = [1_000_000.0]
    members = members_in(tmp_path, lambda: clock[0])
    _, device = a_member(members, "police")
    asked, later = members.begin_sign_in(), members.begin_sign_in()
    answer = device.answer(asked["options"])
    members.finish_sign_in(asked["ceremony"], answer)
    with pytest.raises(NotAuthenticated):
        members.finish_sign_in(asked["ceremony"], answer)
    clock[0] += 301
    answer = device.answer(later["options"])
    with pytest.raises(NotAuthenticated):
        members.finish_sign_in(later["ceremony"], answer)
    chance = later["ceremony"].partition("-")[2]
    for ends in (int(clock[0]) + 200, int(clock[0]) + 10**6):  # another end is another question
        with pytest.raises(NotAuthenticated):
            members.finish_sign_in(f"{ends:08x}-{chance}", answer)
    for rubbish in ("0" * 36, "-" * 36, "f" * 36, "00000000-" + "0" * 27):
        with pytest.raises(NotAuthenticated):
            members.finish_sign_in(rubbish, answer)
    secret = members.invite("police", "New")
    begun = members.begin_enrolment(secret)
    with pytest.raises(NotAuthenticated):  # what a new passkey was asked opens nothing
        members.finish_sign_in(begun["ceremony"], device.answer(begun["options"]))
    other = members.invite("police", "Other")
    made = Authenticator(BASE, "localhost").make(begun["options"])
    with pytest.raises(InvalidInput):
        members.finish_enrolment(other, begun["ceremony"], made)
    members.finish_enrolment(secret, begun["ceremony"], made)


async def test_one_passkey_signs_in_so_often_and_keeps_no_other_out(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    members = members_in(tmp_path, lambda: clock[0])
    (_, busy), (other, device) = a_member(members, "police"), a_member(members, "police")

    def sign_in(by: Authenticator) -> Member:
        asked = members.begin_sign_in()
        return members.finish_sign_in(asked["ceremony"], by.answer(asked["options"]))

    for _ in range(30):
        sign_in(busy)
    with pytest.raises(TooManyRequests):
        sign_in(busy)
    assert sign_in(device).id == other.id
    clock[0] += 301
    assert sign_in(busy)


async def test_who_is_taken_out_lets_nobody_in(tmp_path: Path) -> None:
    members = members_in(tmp_path)
    gone, _ = a_member(members, "police")
    stays, _ = a_member(members, "police")
    hers = members.invite("police", "By her", gone.id)
    others = members.invite("police", "By another", stays.id)
    file = tmp_path / "members.json"
    kept = json.loads(file.read_text())
    kept["members"] = {k: v for k, v in kept["members"].items() if v["id"] != gone.id}
    file.write_text(json.dumps(kept))
    again = members_in(tmp_path)
    with pytest.raises(Gone):
        again.begin_enrolment(hers)
    assert again.begin_enrolment(others)["name"] == "By another"
    begun, device = again.begin_enrolment(others), Authenticator(BASE, "localhost")
    made = device.make(begun["options"])
    assert again.finish_enrolment(others, begun["ceremony"], made).by == stays.id


async def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    members = members_in(tmp_path)
    secret = members.invite("police", "Dara")
    member, device = a_member(members, "labour")
    file = tmp_path / "members.json"
    kept = json.loads(file.read_text())
    for each in (*kept["members"].values(), *kept["invitations"].values()):
        del each["by"]
    file.write_text(json.dumps(kept))
    again = members_in(tmp_path)
    assert again.begin_enrolment(secret)["name"] == "Dara"
    asked = again.begin_sign_in()
    answer = device.answer(asked["options"])
    assert again.finish_sign_in(asked["ceremony"], answer).id == member.id


async def test_a_new_start_ends_the_first_links_of_earlier_ones(tmp_path: Path) -> None:
    def start() -> tuple[Console, dict[str, str]]:
        console = hosted_console(FakeSpace(), tmp_path)
        links = [link for _, link in first_links(console)]
        return console, {
            place: link.rpartition("#")[2]
            for place, link in zip(console.nodes.places, links, strict=True)
        }

    _, first = start()
    console, second = start()
    assert console.members is not None
    for place in PLACES:
        with pytest.raises(Gone):
            console.members.begin_enrolment(first[place])
        assert console.members.begin_enrolment(second[place])


def test_one_organisations_sessions_end_nobody_elses() -> None:
    sessions = Sessions(100)
    first = sessions.open("A", ("police",), "a")
    for number in range(200):
        sessions.open("B", ("labour",), f"b{number}")
    with pytest.raises(TooManyRequests) as refused:
        sessions.open("B", ("labour",), "one-more")
    assert refused.value.code == "sessions-many"
    assert sessions.recognise(first).name == "A"
    sessions.open("C", ("police",), "c")


def test_of_ones_own_sessions_the_newest_are_kept() -> None:
    sessions = Sessions(100)
    another = sessions.open("B", ("police",), "b")
    own = [sessions.open("A", ("police",), "a") for _ in range(7)]
    keys = [
        sessions.open("", ("own",), key=Secret(each)) for each in ("first", *("second",) * 7)
    ]

    def lives(value: str) -> bool:
        try:
            return bool(sessions.recognise(value))
        except NotAuthenticated:
            return False

    assert [lives(each) for each in own] == [False] * 2 + [True] * 5
    assert [lives(each) for each in keys] == [True] + [False] * 2 + [True] * 5
    assert lives(another)


def test_what_a_session_holds_goes_with_it_though_its_cookie_never_comes_again() -> None:
    clock = [0.0]
    sessions = Sessions(900, lambda: clock[0])
    sessions.open("", ("own",), key=Secret("hvo_an-officers-key"))
    clock[0] = 901
    sessions.open("", ("own",), key=Secret("hvo_another"))
    assert [each.key for each in sessions._open.values()] == [Secret("hvo_another")]


async def test_sessions_that_ended_are_dropped_while_nobody_comes() -> None:
    clock = [0.0]
    sessions = Sessions(0.01, lambda: clock[0])
    sessions.open("", ("own",), key=Secret("hvo_an-officers-key"))
    await asyncio.sleep(0.05)
    assert len(sessions._open) == 1
    clock[0] = 1
    for _ in range(100):
        await asyncio.sleep(0.01)
        if not sessions._open:
            break
    assert not sessions._open
    assert sessions._sweeping is None  # and nobody looks any more


async def test_a_cookie_in_another_browser_opens_nothing_and_ends() -> None:
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as hands:
        assert (await hands.open("/at/police")).url.path == "/at/police"
        stolen = {"User-Agent": "another"}
        answer = await hands.client.get("/at/police", headers=stolen)
        assert answer.url.path == "/enter"
        assert (await hands.open("/at/police")).url.path == "/enter"  # its owner notices


async def test_behind_tls_no_other_host_can_set_the_cookie(tmp_path: Path) -> None:
    space = FakeSpace()
    made = made_console((), tmp_path, "https://space.example", hosted=True)
    plain = made_console((), tmp_path, BASE, hosted=True)
    assert (made.cookie, plain.cookie) == (f"__Host-{COOKIE}", COOKIE)
    console = replace(made, nodes=space.nodes(), members=None)
    async with hands_at(space, console, signed_in=False) as hands:
        secret = console.sessions.link("Somebody", tuple(PLACES))
        answer = await hands.post("/enter", [("token", secret)], follow_redirects=False)
        given = answer.headers["set-cookie"]
        assert given.startswith("__Host-")
        assert "Secure" in given
        assert "Path=/" in given
        assert "Domain" not in given
        value = given.partition("=")[2].partition(";")[0]
        session = console.sessions.recognise(value)
        answer = await hands.post(
            "/leave",
            [("csrf", session.csrf)],
            headers={"Cookie": f"{console.cookie}={value}"},
            follow_redirects=False,
        )
        taken = answer.headers["set-cookie"]
        assert "Secure" in taken
        assert "Max-Age=0" in taken
