"""People, settings and deeds of an organisation, on the pages of an administrator."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from controllers_house import IDENTITY, House
from desk_hands import Hands, Page, hands_of, looked_at, signed_in
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

import controllers
from controllers.access import Role, authenticate
from controllers.desks.csvs import csv_of
from controllers.staff.options import Option
from controllers.staff.people import Duty
from core.errors import NotAuthenticated
from tests.fakes.authenticator import Authenticator

CONTROLLERS = Path(controllers.__file__).parent
TEXTS = json.loads((CONTROLLERS / "desks/languages/people.en.json").read_text())["texts"]
KEYS = "/desk/organisation/keys"
NASTY = "<script>alert(1)</script>"


async def administrator(house: House, slug: str = "harbour") -> Hands:
    return await hands_of(house, Duty.ADMINISTER, slug=slug, name="Administrator")


async def enrolled(hands: Hands, name: str = "New Worker", **fields: str) -> Page:
    return await hands.send(
        await hands.open("/desk/people"), "/desk/people", name=name, **fields
    )


def token_of(page: Page) -> str:
    found = re.search(r"data-link>[^<#]+/desk/enrol#([^<]+)<", page.text)
    assert found
    return found[1]


async def make_passkey(house: House, token: str) -> int:
    device = Authenticator(house.haven.settings.base_url, "localhost")
    async with house.client() as client:
        begun = await client.post("/desk/enrol/begin", json={"token": token})
        if begun.status_code != 200:
            return begun.status_code
        made = {
            "token": token,
            "ceremony": begun.json()["ceremony"],
            "credential": device.make(begun.json()["options"]),
        }
        return (await client.post("/desk/enrol/finish", json=made)).status_code


async def test_somebody_new_comes_in_with_a_link_that_is_shown_here_alone(
    small_house: House,
) -> None:
    hands = await administrator(small_house)
    page = await enrolled(hands, **{"duty-issue": "1", "duty-check": "1"})
    assert "#" not in str(page.answer.url)
    again = await hands.open(page.path)
    assert token_of(again) == token_of(page)
    other = await administrator(small_house)
    assert "data-link" not in (await other.open(page.path)).text
    assert await make_passkey(small_house, token_of(page)) == 200
    assert await make_passkey(small_house, token_of(page)) == 410  # a replayed link
    assert "data-link" not in (await hands.open(page.path)).text
    listed = await hands.open("/desk/people")
    assert "Issue, Check" in listed.shown


async def test_duties_are_given_and_end_at_once(small_house: House) -> None:
    hands = await administrator(small_house)
    worker = await hands_of(small_house, Duty.ISSUE)
    path = f"/desk/people/{worker.person.id}"
    page = await hands.open(path)
    assert page.form(path).fields["duty-issue"] == "1"
    await hands.send(page, path, **{"duty-issue": None, "duty-check": "1"})
    assert (await worker.open("/desk/issue")).status == 403
    assert (await worker.open("/desk/check")).status == 200


async def test_an_administrator_whose_duty_ended_a_second_ago_changes_nothing(
    small_house: House,
) -> None:
    hands, other = await administrator(small_house), await administrator(small_house)
    worker = await hands_of(small_house, Duty.ISSUE)
    path = f"/desk/people/{worker.person.id}"
    page = await hands.open(path)
    people = small_house.haven.desks.people
    await small_house.haven.desks.sessions.end("nothing")
    made = await people.invite_again(other.person.organisation_id, other.person.id, by=None)
    assert await make_passkey(small_house, made.token) == 200
    await people.end(
        hands.person.organisation_id, hands.person.id, Duty.ADMINISTER, by=other.person.id
    )
    assert (await hands.send(page, path, **{"duty-revoke": "1"})).status == 403
    stored = await people.one(worker.person.organisation_id, worker.person.id)
    assert stored.duties == {Duty.ISSUE}


async def test_a_lost_device_is_shut_out_and_somebody_is_dismissed(
    small_house: House,
) -> None:
    hands = await administrator(small_house)
    worker = await hands_of(small_house, Duty.ISSUE)
    path = f"/desk/people/{worker.person.id}"
    page = await hands.send(await hands.open(path), f"{path}/invite")
    assert token_of(page)
    assert (await worker.open("/desk/issue")).path == "/desk/sign-in"
    done = await hands.send(await hands.open(f"{path}/dismiss"), f"{path}/dismiss")
    assert done.path == "/desk/people"
    assert await make_passkey(small_house, token_of(page)) == 410
    assert (await hands.post(f"{path}/invite", {})).status == 409


async def test_the_last_administrator_is_told_so(small_house: House) -> None:
    hands = await administrator(small_house)
    path = f"/desk/people/{hands.person.id}"
    page = await hands.send(await hands.open(path), path, **{"duty-administer": None})
    assert page.status == 409
    assert hands.says("error.last-administrator") in page.shown
    page = await hands.send(await hands.open(f"{path}/dismiss"), f"{path}/dismiss")
    assert page.status == 409


async def test_another_organisations_people_are_not_there(small_house: House) -> None:
    worker = await hands_of(small_house, Duty.ISSUE)
    hands = await administrator(small_house, "fund")
    path = f"/desk/people/{worker.person.id}"
    for tail in ("", "/dismiss"):
        assert (await hands.open(path + tail)).status == 404
    for tail in ("", "/invite", "/dismiss"):
        assert (await hands.post(path + tail, {"name": "x", "duty-issue": "1"})).status == 404
    assert "Worker" not in (await hands.open("/desk/people")).text


async def test_a_name_is_text_and_nothing_else(small_house: House) -> None:
    hands = await administrator(small_house)
    page = await enrolled(hands, name=NASTY)
    for path in (page.path, "/desk/people", "/desk/deeds", f"{page.path}/dismiss"):
        shown = await hands.open(path)
        assert NASTY not in shown.text
        assert NASTY in shown.shown
    wrong = await enrolled(hands, name="a\u202eb", **{"duty-issue": "1"})
    assert wrong.status == 422
    assert wrong.form("/desk/people").fields["duty-issue"] == "1"


async def test_places_come_and_go(small_house: House) -> None:
    hands = await administrator(small_house)
    page = await hands.send(
        await hands.open("/desk/organisation"), "/desk/organisation/places", place=NASTY[:40]
    )
    (place,) = await small_house.haven.desks.places.all(hands.person.organisation_id)
    assert NASTY[:40] in page.shown
    assert NASTY[:40] not in page.text
    worker = await enrolled(hands, place=place.id)
    assert place.id in worker.text
    wrong = await hands.send(page, "/desk/organisation/places", place="x" * 41)
    assert wrong.status == 422
    end = f"/desk/organisation/places/{place.id}/end"
    await hands.send(page, end)
    assert (await hands.post(end, {})).status == 404


async def test_an_option_goes_on_at_once_and_off_with_two(small_house: House) -> None:
    hands, other = await administrator(small_house), await administrator(small_house)
    path = "/desk/organisation/options/two-for-withdrawing"
    on = await hands.send(await hands.open("/desk/organisation"), path)
    assert hands.says("organisation.on") in on.shown
    people = small_house.haven.desks.people
    organisation = other.person.organisation_id
    made = await people.invite_again(organisation, other.person.id, by=None)
    await make_passkey(small_house, made.token)
    task = await hands.send(await hands.open("/desk/organisation"), path)
    assert task.path.startswith("/desk/tasks/")
    assert (await hands.post(f"{task.path}/agree", {})).status == 403
    second_self = await hands_of(small_house, Duty.ADMINISTER)
    refused = await second_self.send(await second_self.open(task.path), f"{task.path}/agree")
    assert refused.status == 403
    assert hands.says("error.too-new-to-agree") in refused.shown
    other = await signed_in(small_house, other.person)
    await other.send(await other.open(task.path), f"{task.path}/agree")
    assert await small_house.haven.desks.options.on(organisation) == frozenset()


@pytest.mark.parametrize("way", ["invite", "dismiss", "duty", "never came in"])
async def test_who_gets_rid_of_the_other_administrator_does_not_turn_it_off(
    small_house: House, way: str
) -> None:
    hands, people = await administrator(small_house), small_house.haven.desks.people
    organisation, name = hands.person.organisation_id, "two-for-withdrawing"
    if way == "never came in":
        duties = [Duty.ADMINISTER]
        other, _ = await people.enrol(organisation, "Other", duties, by=None)
    else:
        other = (await administrator(small_house)).person
    path, theirs = f"/desk/organisation/options/{name}", f"/desk/people/{other.id}"
    await hands.send(await hands.open("/desk/organisation"), path)
    if way == "duty":
        await hands.send(await hands.open(theirs), theirs, **{"duty-administer": None})
    elif way != "never came in":
        await hands.post(f"{theirs}/{way}", {})
    task = await hands.send(await hands.open("/desk/organisation"), path)
    assert task.path.startswith("/desk/tasks/")
    small_house.pass_time(days=3, minutes=1)
    hands = await signed_in(small_house, hands.person)
    after = await hands.send(await hands.open("/desk/organisation"), path)
    alone = way in ("dismiss", "duty")  # for three days nobody else has administered
    assert (after.path == "/desk/organisation") is alone
    on = await small_house.haven.desks.options.on(organisation)
    assert on == (set() if alone else {Option.TWO_FOR_WITHDRAWING})


async def test_a_key_for_machines_is_shown_once_and_ends(small_house: House) -> None:
    hands = await administrator(small_house)
    page = await hands.send(await hands.open("/desk/organisation"), "/desk/organisation/keys")
    found = re.search(r"data-key>(hvn_[^<]+)<", page.text)
    assert found
    caller = await authenticate(small_house.database, found[1])
    assert caller.tenant.slug == "harbour"
    listed = await hands.open("/desk/organisation")
    assert "data-key" not in listed.text
    assert found[1].split("_", 2)[2] not in listed.text
    await hands.send(listed, f"/desk/organisation/keys/{caller.key_id}/end")
    with pytest.raises(NotAuthenticated):
        await authenticate(small_house.database, found[1])
    assert (await hands.post("/desk/organisation/keys", {"role": "govern"})).status == 422
    other = await administrator(small_house, "fund")
    refused = await other.post(f"/desk/organisation/keys/{caller.key_id}/end", {})
    assert refused.status == 404


async def test_a_key_sent_for_twice_is_one_key(small_house: House) -> None:
    hands = await administrator(small_house)
    page = await hands.open("/desk/organisation")
    keys = [
        re.search(r"data-key>([^<]+)<", (await hands.send(page, KEYS)).text) for _ in range(2)
    ]
    assert keys[0]
    assert keys[1]
    assert keys[0][1] == keys[1][1]


async def test_nobody_makes_her_own_link(small_house: House) -> None:
    hands = await administrator(small_house)
    path = f"/desk/people/{hands.person.id}/invite"
    page = await hands.post(path, {})
    assert page.status == 409
    assert hands.says("error.own-invitation") in page.shown
    assert (await hands.open("/desk/people")).status == 200


async def test_a_key_is_one_hand_where_two_are_wanted(small_house: House) -> None:
    options, harbour = small_house.haven.desks.options, small_house.of("harbour")
    for option in Option:
        await options.turn(harbour.id, option, on=True, by=None)
    async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
        for level, status in ((3, 403), (2, 201)):
            body = {"credential": "identity", "values": {**IDENTITY, "assurance_level": level}}
            answer = await client.post("/api/issuer/issuances", json=body)
            assert answer.status_code == status
        body = {"issuance_ids": ["0" * 36]}
        refused = await client.post("/api/issuer/revocations", json=body)
    assert refused.json()["code"] == "two-people-needed"


async def test_the_operator_invites_an_administrator(small_house: House) -> None:
    path = "/api/governance/organisations/harbour/administrators"
    async with small_house.client(small_house.haven.secrets.operator_key.reveal()) as client:
        made = await client.post(path, json={"name": "First"})
        unknown = await client.post(path.replace("harbour", "nobody"), json={"name": "First"})
    assert made.status_code == 201
    assert unknown.status_code == 404
    token = made.json()["link"].partition("/desk/enrol#")[2]
    assert await make_passkey(small_house, token) == 200
    (person,) = await small_house.haven.desks.people.all(small_house.of("harbour").id)
    assert person.duties == {Duty.ADMINISTER}
    async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
        assert (await client.post(path, json={"name": "Other"})).status_code == 403


async def test_deeds_are_listed_by_person_and_saved(small_house: House) -> None:
    hands = await administrator(small_house)
    await enrolled(hands, name="=cmd|calc", **{"duty-issue": "1"})
    page = await hands.open("/desk/deeds")
    assert hands.says("deed.enrolled") in page.shown
    assert hands.says("deed.duty-given-issue") in page.shown
    mine = await hands.open(f"/desk/deeds?who={hands.person.id}&what=enrolled")
    assert hands.says("deed.enrolled") in mine.shown
    assert hands.says("deed.signed-in") not in mine.shown
    file = await hands.client.get("/desk/deeds/file")
    assert "attachment" in file.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert len(rows[0]) == 4
    assert hands.says("deed.enrolled") in [row[2] for row in rows]
    other = await administrator(small_house, "fund")
    assert "<td>" not in (await other.open(f"/desk/deeds?who={hands.person.id}")).text


@given(st.text(max_size=30))
def test_no_cell_of_a_file_begins_like_a_formula(typed: str) -> None:
    (row,) = list(csv.reader(io.StringIO(csv_of([[typed]]).removeprefix("\ufeff"))))
    cell = row[0].lstrip(" \u00a0\u200b\ufeff")
    assert not cell or cell[0] not in "=+-@\t\r\n＝＋－＠|%"
    assert row[0].replace("'", "").strip() in typed.replace("'", "").replace("\r\n", "\n") or (
        "\r" in typed
    )


@pytest.mark.parametrize("between", [";", ",", "\t", "; ", ';"', ";\u00a0"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_part_of_a_cell_begins_like_a_formula(between: str, sign: str) -> None:
    written = csv_of([[f"a{between}{sign}1+1"]])
    parts = re.split(r"[;,\t]", written.removeprefix("\ufeff"))
    assert not any(part.lstrip(' "\u00a0').startswith(sign) for part in parts)
    assert "a" in written


@given(st.text(alphabet="a;,\t =+-@\"'", max_size=12))
def test_no_part_of_any_cell_begins_like_a_formula(typed: str) -> None:
    parts = re.split(r"[;,\t]", csv_of([[typed]]).removeprefix("\ufeff").strip("\r\n"))
    assert not any(re.match(r"[=+\-@]", part.lstrip(' "')) for part in parts[1:])


def test_every_deed_has_its_words() -> None:
    found = set()
    for path in CONTROLLERS.rglob("*.py"):
        if path.parts[-2] not in ("desks", "staff", "issuer", "verifier"):
            continue
        code = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'note\([^)]*?"([a-z-]+)"', code, re.DOTALL))
        found |= set(re.findall(r'as_deed\([^)]*?"([a-z-]+)"', code, re.DOTALL))
        found |= set(re.findall(r'_noted\(desk, "([a-z-]+)"', code))
    assert len(found) > 12
    assert {f"deed.{each}" for each in found} <= TEXTS.keys()
    kinds = ("issue", "withdraw", "option")
    told = {
        f"deed.{verb}-{kind}" for verb in ("proposed", "agreed", "declined") for kind in kinds
    }
    told |= {f"deed.duty-{verb}-{duty}" for verb in ("given", "ended") for duty in Duty}
    assert told <= TEXTS.keys()


async def test_no_name_rests_in_the_open(small_house: House) -> None:
    hands = await administrator(small_house)
    await enrolled(hands, name="Planted-Worker")
    async with small_house.database.reading() as session:
        for table in ("staff_member", "deed", "staff_enrolment"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert "Planted" not in repr(rows)


async def test_the_link_page_works_for_who_has_no_session(small_house: House) -> None:
    async with small_house.client() as client:
        page = looked_at(await client.get("/desk/enrol"))
    assert page.status == 200
