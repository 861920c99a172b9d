"""The rules at a desk: looked at, changed with care, signed by as many as have to."""

from __future__ import annotations

import re

import pytest
from controllers_house import House
from desk_hands import Hands, Page, hands_of
from governing_hands import as_two, drafted, in_force, published

from controllers.desks.governing_shown import key_of
from controllers.desks.texts import LANGUAGES
from controllers.governance.drafts import State
from controllers.organisations.service import did_of
from controllers.staff.people import Duty
from governance.engine import Issue

GLANCE = "/desk/governance"
NASTY = "<script>alert(1)</script>"


async def governor(house: House, slug: str = "authority", language: str = "en") -> Hands:
    return await hands_of(
        house, Duty.GOVERN, slug=slug, name="Planted-Governor", language=language
    )


def path_of(house: House, slug: str) -> str:
    return f"{GLANCE}/participants/{key_of(did_of(house.of(slug)))}"


async def asked(hands: Hands, path: str, **fields: str | None) -> Page:
    """A form opened, filled in and sent: the page of its draft."""
    return await hands.send(await hands.open(path), path, **fields)


async def signed(hands: Hands, page: Page) -> Page:
    return await hands.send(page, f"{page.path}/sign")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_opens_in_every_language(small_house: House, language: str) -> None:
    hands = await governor(small_house, language=language)
    draft = await drafted(small_house, "suspend", organisation="harbour", withdraw_grants=True)
    river, harbour = path_of(small_house, "river"), path_of(small_house, "harbour")
    grant = small_house.grants["harbour", "identity"]
    for path in (
        GLANCE,
        f"{GLANCE}/join",
        f"{GLANCE}/history",
        f"{GLANCE}/history?before=3",
        f"{GLANCE}/drafts/{draft.id}",
        harbour,
        f"{harbour}/suspend",
        f"{harbour}/leave",
        f"{river}",
        f"{GLANCE}/grants/{grant}/end",
        f"{GLANCE}/grants/{grant}/withdraw",
    ):
        page = await hands.open(path)
        assert page.status == 200, path
        assert page.path == path.split("?")[0]
        assert "{" not in page.reader.ids
    assert hands.says("place.governance") in (await hands.open("/desk")).shown


async def test_an_organisation_is_taken_in_for_a_while(small_house: House) -> None:
    hands = await governor(small_house)
    before = await in_force(small_house)
    page = await asked(
        hands,
        f"{GLANCE}/join",
        organisation=key_of(did_of(small_house.of("river"))),
        role="court",
        name=NASTY,
        until="2090-01-01",
        jurisdictions="kh, US-CA",
    )
    assert "takes part as court, until 2090-01-01" in page.shown
    assert NASTY not in page.text
    assert hands.says("governing.gains") in page.shown
    assert await in_force(small_house) == before
    done = await signed(hands, page)
    assert 'data-state="published"' in done.text
    framework = await small_house.haven.governance.current()
    (_, entry) = framework.participants[did_of(small_house.of("river"))]
    assert (entry.role, entry.jurisdictions, entry.name) == ("court", ("KH", "US-CA"), NASTY)
    glance = await hands.open(GLANCE)
    assert "2090-01-01" in glance.shown
    assert NASTY not in glance.text


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("organisation", "", "missing"),
        ("organisation", "0" * 16, "missing"),
        ("role", "no-role", "missing"),
        ("name", " ", "name"),
        ("name", "x" * 121, "name"),
        ("name", "a\u202eb", "name"),
        ("until", "2020-01-01", "until"),
        ("until", "soon", "until"),
        ("until", "9999-12-31", "until"),
        ("jurisdictions", "Cambodia", "jurisdictions"),
    ],
)
async def test_a_form_that_does_not_fit_says_so_and_keeps_the_rest(
    small_house: House, field: str, value: str, key: str
) -> None:
    hands = await governor(small_house)
    right = {
        "organisation": key_of(did_of(small_house.of("river"))),
        "role": "court",
        "name": "River",
    }
    page = await asked(hands, f"{GLANCE}/join", **(right | {field: value}))
    assert page.status == 422
    assert hands.says(f"governing.wrong.{key}") in page.shown
    kept = page.form(f"{GLANCE}/join").fields
    for name, typed in right.items():
        assert name == field or kept[name] == typed
    assert await small_house.haven.drafts.open() == []


async def test_a_stolen_key_is_suspended_seen_and_comes_back(small_house: House) -> None:
    hands = await governor(small_house)
    path = path_of(small_house, "harbour")
    page = await hands.open(path)
    assert hands.says("governing.may.issue", what="Identity") in page.shown
    shown = await asked(hands, f"{path}/suspend", withdraw="1")
    for key in ("governing.loses", "governing.affected", "governing.level"):
        assert hands.says(key) in shown.shown
    assert "All cards of this kind from Harbour are refused" in shown.shown
    await signed(hands, shown)
    page = await hands.open(path)
    for key in (
        "governing.may.nothing",
        "governing.state.suspended",
        "governing.grant.withdrawn",
    ):
        assert hands.says(key) in page.shown
    assert (await hands.open(f"{path}/suspend")).status == 409
    back = await asked(hands, f"{path}/come-back", until="2020-01-01")
    assert back.status == 422
    back = await asked(hands, f"{path}/come-back", until="2090-01-01")
    await signed(hands, back)
    page = await hands.open(path)
    assert "2090-01-01" in page.shown
    assert "once it has the authority for it" in page.shown
    assert (await hands.open(f"{path}/come-back")).status == 409


async def test_a_grant_ends_and_one_role_is_left(small_house: House) -> None:
    hands = await governor(small_house)
    grant = small_house.grants["harbour", "identity"]
    await signed(hands, await asked(hands, f"{GLANCE}/grants/{grant}/end"))
    page = await hands.open(path_of(small_house, "harbour"))
    assert hands.says("governing.grant.ended") in page.shown
    await signed(hands, await asked(hands, f"{GLANCE}/grants/{grant}/withdraw"))
    await published(small_house, "join", organisation="river", role="court", name="River")
    path = f"{path_of(small_house, 'river')}/leave"
    await signed(hands, await asked(hands, path, role="court"))
    page = await hands.open(path_of(small_house, "river"))
    assert hands.says("governing.state.left") in page.shown
    assert hands.says("governing.state.takes-part") in page.shown
    assert (await hands.post(path, {"role": "nothing"})).status == 404
    done = await signed(hands, await hands.send(await hands.open(GLANCE), f"{GLANCE}/renew"))
    assert 'data-state="published"' in done.text


async def test_two_organisations_sign_each_at_its_own_desk(small_house: House) -> None:
    await as_two(small_house, "river")
    authority, river = await governor(small_house), await governor(small_house, "river")
    page = await asked(authority, f"{path_of(small_house, 'harbour')}/suspend")
    once = await signed(authority, page)
    assert authority.says("governing.missing", count=1) in once.shown
    assert f"{page.path}/sign" not in [each.action for each in once.reader.forms]
    glance = await river.open(GLANCE)
    assert river.says("governing.signatures", given=1, needed=2) in glance.shown
    theirs = await river.open(page.path)
    assert f"{page.path}/drop" not in [each.action for each in theirs.reader.forms]
    refused = await river.post(f"{page.path}/drop", {})
    assert (refused.status, river.says("error.not-its-maker") in refused.shown) == (403, True)
    done = await signed(river, theirs)
    assert 'data-state="published"' in done.text
    again = await river.post(f"{page.path}/sign", theirs.form(f"{page.path}/sign").fields)
    assert again.status == 200
    unseen = await river.post(f"{page.path}/sign", {})
    assert (unseen.status, river.says("error.draft-differs") in unseen.shown) == (409, True)
    deeds = await small_house.haven.desks.deeds.latest(small_house.of("river").id)
    assert [each.what for each in deeds[:2]] == ["framework-published", "framework-signed"]
    assert deeds[0].member_id == river.person.id


async def test_a_draft_is_dropped_or_made_anew(small_house: House) -> None:
    hands = await governor(small_house)
    path = f"{path_of(small_house, 'harbour')}/suspend"
    first, second = await asked(hands, path), await asked(hands, path)
    dropped = await hands.send(first, f"{first.path}/drop")
    assert hands.says("governing.draft.dropped") in dropped.shown
    await published(small_house, "renew")
    outdated = await hands.open(second.path)
    assert hands.says("governing.draft.outdated") in outdated.shown
    assert (await hands.post(f"{second.path}/sign", {})).status == 409
    anew = await hands.send(outdated, f"{second.path}/again")
    assert anew.path != second.path
    assert 'data-state="published"' in (await signed(hands, anew)).text


async def test_only_who_signs_comes_here(small_house: House) -> None:
    draft = await drafted(small_house, "suspend", organisation="harbour")
    stranger = await governor(small_house, "court")
    worker = await hands_of(small_house, Duty.ADMINISTER, slug="authority")
    for hands, key in ((stranger, "error.not-a-signer"), (worker, "error.duty-needed")):
        for path in (GLANCE, f"{GLANCE}/drafts/{draft.id}", f"{GLANCE}/join"):
            page = await hands.open(path)
            assert (page.status, hands.says(key) in page.shown) == (403, True)
        assert (await hands.post(f"{GLANCE}/drafts/{draft.id}/sign", {})).status == 403
    assert (await small_house.haven.drafts.one(draft.id)).state is State.OPEN


async def test_a_duty_that_ended_a_second_ago_signs_nothing(small_house: House) -> None:
    hands = await governor(small_house)
    page = await asked(hands, f"{path_of(small_house, 'harbour')}/suspend")
    await small_house.haven.desks.people.end(
        hands.person.organisation_id, hands.person.id, Duty.GOVERN, by=None
    )
    assert (await signed(hands, page)).status == 403


async def test_a_form_of_another_site_changes_nothing(small_house: House) -> None:
    hands = await governor(small_house)
    path = f"{path_of(small_house, 'harbour')}/suspend"
    for csrf in (None, "x" * 43):
        assert (await hands.post(path, {}, csrf=csrf)).status == 403
    assert await small_house.haven.drafts.open() == []


async def test_what_is_not_there_is_said_so(small_house: House) -> None:
    hands = await governor(small_house)
    for path in (
        f"{GLANCE}/participants/{'0' * 16}",
        f"{GLANCE}/drafts/nothing",
        f"{GLANCE}/grants/g-nothing/end",
    ):
        assert (await hands.open(path)).status == 404, path
    assert (await hands.post(f"{GLANCE}/grants/g-nothing/end", {})).status == 404


async def test_the_duty_is_offered_where_it_means_something(small_house: House) -> None:
    at_authority = await hands_of(small_house, Duty.ADMINISTER, slug="authority")
    elsewhere = await hands_of(small_house, Duty.ADMINISTER, slug="harbour")
    assert "duty-govern" in (await at_authority.open("/desk/people")).text
    assert "duty-govern" not in (await elsewhere.open("/desk/people")).text
    await as_two(small_house, "harbour", threshold=1)
    assert "duty-govern" in (await elsewhere.open("/desk/people")).text


async def test_an_expired_framework_says_so_and_is_renewed_here(small_house: House) -> None:
    small_house.pass_time(days=91)
    hands = await governor(small_house)
    glance = await hands.open(GLANCE)
    assert hands.says("governing.expired") in glance.shown
    await signed(hands, await hands.send(glance, f"{GLANCE}/renew"))
    assert hands.says("governing.expired") not in (await hands.open(GLANCE)).shown


async def test_deeds_are_told_and_hold_no_name(small_house: House) -> None:
    hands = await hands_of(
        small_house, Duty.GOVERN, Duty.ADMINISTER, slug="authority", name="Planted-Governor"
    )
    await signed(hands, await asked(hands, f"{path_of(small_house, 'harbour')}/suspend"))
    page = await hands.open("/desk/deeds")
    for what in ("drafted", "signed", "published"):
        assert hands.says(f"deed.framework-{what}") in page.shown
    deeds = await small_house.haven.desks.deeds.latest(small_house.of("authority").id)
    assert all(re.fullmatch(r"[0-9a-f-]{36}", each.subject_id or "") for each in deeds[:3])


async def test_what_the_page_says_it_may_the_engine_says_too(small_house: House) -> None:
    hands = await governor(small_house)
    governance = small_house.haven.governance
    did = did_of(small_house.of("harbour"))
    page = await hands.open(path_of(small_house, "harbour"))
    assert (
        await governance.decide(Issue(did, "identity", None))
    ).__class__.__name__ == "Permit"
    assert hands.says("governing.may.ask", what="A place to stay") in page.shown
    court = await hands.open(path_of(small_house, "court"))
    assert hands.says("governing.may.issue", what="Identity") not in court.shown
    assert hands.says("governing.grants.none") in court.shown
