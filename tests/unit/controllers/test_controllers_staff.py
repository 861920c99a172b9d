"""People at desks: invitations, passkeys, sessions, duties, four eyes; on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from controllers_house import House
from sqlalchemy import select, text

from controllers.desks.services import Desks
from controllers.moment import now
from controllers.staff.deeds import count
from controllers.staff.options import Option
from controllers.staff.passkeys import Proven
from controllers.staff.people import Duty, FreshInvitation, Person
from controllers.staff.proposals import Kind, State
from controllers.staff.sessions import SignedIn
from controllers.store.models import Passkey, StaffEnrolment
from core.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotAuthenticated,
    NotFound,
)
from tests.fakes.authenticator import Authenticator
from tests.support.passkeys import proven

BROWSER, NETWORK = "Mozilla/5.0 (planted browser)", "192.0.2.7"
NAME = "Planted-Worker"


def desks(house: House) -> Desks:
    return house.haven.desks


def device(house: House, **wrong: Any) -> Authenticator:
    origin = house.haven.settings.base_url
    return Authenticator(**{"origin": origin, "rp_id": "localhost", **wrong})


async def enrolled(
    house: House, *duties: Duty, name: str = NAME, slug: str = "harbour"
) -> tuple[Person, FreshInvitation]:
    return await desks(house).people.enrol(house.of(slug).id, name, duties, by=None)


async def with_key(
    house: House, *duties: Duty, slug: str = "harbour"
) -> tuple[Person, Authenticator]:
    person, invitation = await enrolled(house, *duties, slug=slug)
    made = device(house)
    await make_key(house, invitation.token, made)
    return person, made


async def make_key(house: House, token: str, made: Authenticator) -> str:
    ceremony, _ = await desks(house).passkeys.begin_enrolment(token)
    credential = made.make(ceremony.options)
    who = await desks(house).passkeys.finish_enrolment(token, ceremony.id, credential)
    return who.person_id


async def proof_of(house: House, made: Authenticator) -> Proven:
    ceremony = await desks(house).passkeys.begin_sign_in()
    return await desks(house).passkeys.finish_sign_in(
        ceremony.id, made.answer(ceremony.options)
    )


async def sign_in(house: House, made: Authenticator) -> str:
    return (await proof_of(house, made)).person_id


async def session_of(house: House, person: Person) -> str:
    who = await proven(house.database, person.id)
    return await desks(house).sessions.open(who, browser=BROWSER, network=NETWORK)


async def recognised(house: House, cookie: str | None, **changed: Any) -> SignedIn:
    where = {"browser": BROWSER, "network": NETWORK, **changed}
    return await desks(house).sessions.recognise(cookie, **where)


async def whats(house: House) -> list[str]:
    return [each.what for each in await desks(house).deeds.latest(house.of("harbour").id)]


# --- invitations and passkeys --------------------------------------------------------------


async def test_an_invitation_makes_one_passkey_which_opens_from_then_on(house: House) -> None:
    person, made = await with_key(house, Duty.ISSUE)
    assert await sign_in(house, made) == person.id
    assert (await desks(house).people.one(person.organisation_id, person.id)).can_sign_in
    assert await whats(house) == ["passkey-made", "duty-given-issue", "enrolled"]


async def test_a_replayed_invitation_makes_no_second_passkey(house: House) -> None:
    _, invitation = await enrolled(house)
    ceremony, _ = await desks(house).passkeys.begin_enrolment(invitation.token)
    await make_key(house, invitation.token, device(house))
    with pytest.raises(Gone):
        await desks(house).passkeys.begin_enrolment(invitation.token)
    late = device(house).make(ceremony.options)
    with pytest.raises(Gone):  # begun before it was used up
        await desks(house).passkeys.finish_enrolment(invitation.token, ceremony.id, late)


async def test_of_two_who_use_an_invitation_at_once_one_gets_a_passkey(house: House) -> None:
    _, invitation = await enrolled(house)
    tries = [make_key(house, invitation.token, device(house)) for _ in range(3)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, str) for each in done) == 1
    assert all(isinstance(each, (str, Gone)) for each in done)


async def test_an_invitation_ends_after_a_day(house: House) -> None:
    _, invitation = await enrolled(house)
    house.pass_time(days=1, seconds=1)
    with pytest.raises(Gone):
        await desks(house).passkeys.begin_enrolment(invitation.token)


async def test_an_unknown_invitation_and_a_past_one_answer_the_same(house: House) -> None:
    _, invitation = await enrolled(house)
    house.pass_time(days=2)
    said = []
    for token in (invitation.token, "never-was-an-invitation"):
        with pytest.raises(Gone) as refused:
            await desks(house).passkeys.begin_enrolment(token)
        said.append((refused.value.detail, refused.value.code))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"verifies": False},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_passkey_that_was_made_wrongly_is_not_kept(
    house: House, wrong: dict[str, Any]
) -> None:
    _, invitation = await enrolled(house)
    with pytest.raises(InvalidInput):
        await make_key(house, invitation.token, device(house, **wrong))
    await make_key(house, invitation.token, device(house))  # the link is still good


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "https://evil.example"), ("rp_id", "evil.example"), ("verifies", False)],
)
async def test_a_wrong_answer_opens_nothing(house: House, name: str, value: Any) -> None:
    _, made = await with_key(house)
    setattr(made, name, value)
    with pytest.raises(NotAuthenticated) as refused:
        await sign_in(house, made)
    assert refused.value.code == "passkey-not-known"


async def test_an_answer_is_good_once_and_for_its_own_question(house: House) -> None:
    _, made = await with_key(house)
    made.counts = False
    passkeys = desks(house).passkeys
    first, second = await passkeys.begin_sign_in(), await passkeys.begin_sign_in()
    answer = made.answer(first.options)
    for ceremony, given in ((second, answer), (second, made.answer(second.options))):
        with pytest.raises(NotAuthenticated):  # whatever came of it, it is not asked again
            await passkeys.finish_sign_in(ceremony.id, given)
    await passkeys.finish_sign_in(first.id, answer)
    with pytest.raises(NotAuthenticated):
        await passkeys.finish_sign_in(first.id, answer)


async def test_a_question_is_good_for_five_minutes(house: House) -> None:
    _, made = await with_key(house)
    ceremony = await desks(house).passkeys.begin_sign_in()
    house.pass_time(minutes=5, seconds=1)
    with pytest.raises(NotAuthenticated):
        await desks(house).passkeys.finish_sign_in(ceremony.id, made.answer(ceremony.options))


async def test_a_copy_of_a_device_is_found_out(house: House) -> None:
    _, made = await with_key(house)
    await sign_in(house, made)
    await sign_in(house, made)
    made.keys[-1].count = 0  # a copy that was made before
    with pytest.raises(NotAuthenticated):
        await sign_in(house, made)


@pytest.mark.parametrize("rubbish", [{}, {"rawId": 7}, {"rawId": "AAAA"}, {"rawId": "%%"}])
async def test_rubbish_is_no_passkey(house: House, rubbish: dict[str, Any]) -> None:
    ceremony = await desks(house).passkeys.begin_sign_in()
    with pytest.raises(NotAuthenticated):
        await desks(house).passkeys.finish_sign_in(ceremony.id, rubbish)


async def test_to_be_invited_again_ends_passkeys_sessions_and_links(house: House) -> None:
    person, made = await with_key(house, Duty.ISSUE)
    cookie = await session_of(house, person)
    organisation = person.organisation_id
    first = await desks(house).people.invite_again(organisation, person.id, by=None)
    second = await desks(house).people.invite_again(organisation, person.id, by=None)
    with pytest.raises(NotAuthenticated):
        await sign_in(house, made)
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)
    with pytest.raises(Gone):
        await desks(house).passkeys.begin_enrolment(first.token)
    await make_key(house, second.token, device(house))


async def test_a_link_that_is_just_being_used_ends_with_its_passkey(house: House) -> None:
    """What another process has written and not committed yet ends, too."""
    person, _ = await enrolled(house, Duty.ISSUE)
    async with house.database.transaction() as session:  # as the unit that keeps a passkey
        link = await session.scalar(
            select(StaffEnrolment).where(StaffEnrolment.member_id == person.id)
        )
        assert link is not None
        link.used_at = now()
        session.add(
            Passkey(
                credential_digest="0" * 64,
                member_id=person.id,
                public_key=b"",
                sign_count=0,
                created_at=now(),
            )
        )
        await session.flush()
        again = asyncio.create_task(
            desks(house).people.invite_again(person.organisation_id, person.id, by=None)
        )
        await asyncio.sleep(0.3)
        assert not again.done()
    await again
    assert not (await desks(house).people.one(person.organisation_id, person.id)).can_sign_in


async def test_two_administrators_do_not_shut_each_other_out(house: House) -> None:
    one, _ = await with_key(house, Duty.ADMINISTER)
    other, _ = await with_key(house, Duty.ADMINISTER)
    people, organisation = desks(house).people, one.organisation_id
    done = await asyncio.gather(
        people.invite_again(organisation, other.id, by=one.id),
        people.invite_again(organisation, one.id, by=other.id),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Forbidden) for each in done) == 1
    assert [each.can_sign_in for each in await people.all(organisation)].count(True) == 1


async def test_who_administers_no_more_invites_nobody(house: House) -> None:
    one, _ = await with_key(house, Duty.ADMINISTER)
    other, _ = await with_key(house, Duty.ADMINISTER)
    people, organisation = desks(house).people, one.organisation_id
    await people.end(organisation, one.id, Duty.ADMINISTER, by=None)
    with pytest.raises(Forbidden):
        await people.invite_again(organisation, other.id, by=one.id)


# --- sessions ------------------------------------------------------------------------------


async def test_a_passkey_that_ended_in_between_opens_no_session(house: House) -> None:
    person, made = await with_key(house, Duty.ISSUE)
    who = await proof_of(house, made)
    await desks(house).people.invite_again(person.organisation_id, person.id, by=None)
    with pytest.raises(NotAuthenticated):
        await desks(house).sessions.open(who, browser=BROWSER, network=NETWORK)


async def test_a_session_that_is_just_being_opened_ends_with_its_passkey(house: House) -> None:
    person, made = await with_key(house, Duty.ISSUE)
    for _ in range(20):
        who = await proof_of(house, made)
        opened, again = await asyncio.gather(
            desks(house).sessions.open(who, browser=BROWSER, network=NETWORK),
            desks(house).people.invite_again(person.organisation_id, person.id, by=None),
            return_exceptions=True,
        )
        assert isinstance(again, FreshInvitation)
        if isinstance(opened, str):
            with pytest.raises(NotAuthenticated):
                await recognised(house, opened)
        await make_key(house, again.token, made)


async def test_a_session_knows_its_person_and_her_duties(house: House) -> None:
    person, _ = await with_key(house, Duty.ISSUE, Duty.REVOKE)
    who = await recognised(house, await session_of(house, person))
    assert (who.person_id, who.name) == (person.id, NAME)
    assert who.organisation.slug == "harbour"
    assert who.duties == {Duty.ISSUE, Duty.REVOKE}
    with pytest.raises(Forbidden):
        who.needs(Duty.ADMINISTER)


@pytest.mark.parametrize("elsewhere", [{"browser": "another"}, {"network": "198.51.100.9"}])
async def test_a_stolen_cookie_is_worth_nothing_elsewhere_and_ends(
    house: House, elsewhere: dict[str, str]
) -> None:
    person, _ = await with_key(house, Duty.ISSUE)
    cookie = await session_of(house, person)
    with pytest.raises(NotAuthenticated) as refused:
        await recognised(house, cookie, **elsewhere)
    assert refused.value.code == "passkey-again"
    with pytest.raises(NotAuthenticated):  # its owner has to sign in again, and so learns of it
        await recognised(house, cookie)
    assert (await whats(house))[0] == "session-elsewhere"


async def test_a_session_ends_when_nothing_is_touched(house: House) -> None:
    person, _ = await with_key(house)
    cookie = await session_of(house, person)
    house.pass_time(minutes=14)
    await recognised(house, cookie)
    house.pass_time(minutes=14)
    await recognised(house, cookie, touch=False)
    house.pass_time(minutes=2)  # a page that looked by itself touched nothing
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)


async def test_a_session_ends_after_ten_hours_whatever_is_touched(house: House) -> None:
    person, _ = await with_key(house)
    cookie = await session_of(house, person)
    for _ in range(59):
        house.pass_time(minutes=10)
        await recognised(house, cookie)
    house.pass_time(minutes=11)
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)


async def test_who_signs_out_is_out(house: House) -> None:
    person, _ = await with_key(house)
    cookie = await session_of(house, person)
    await desks(house).sessions.end(cookie)
    await desks(house).sessions.end(cookie)
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)


@pytest.mark.parametrize("cookie", [None, "", "made-up", "x" * 5000])
async def test_no_cookie_is_nobody(house: House, cookie: str | None) -> None:
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)


async def test_a_forms_token_belongs_to_its_session(house: House) -> None:
    person, _ = await with_key(house)
    one = await recognised(house, await session_of(house, person))
    other = await recognised(house, await session_of(house, person))
    sessions = desks(house).sessions
    assert sessions.is_meant(one, one.csrf)
    assert not any(sessions.is_meant(one, each) for each in (None, "", other.csrf, "é" * 64))


async def test_a_counter_can_make_its_one_check_until_its_person_may_not(house: House) -> None:
    person, _ = await with_key(house, Duty.CHECK, Duty.ISSUE)
    cookie = await session_of(house, person)
    sessions, organisation = desks(house).sessions, person.organisation_id
    left = await sessions.to_kiosk(cookie, "shelter", browser=BROWSER, network=NETWORK)
    with pytest.raises(NotAuthenticated):
        await recognised(house, cookie)
    house.pass_time(hours=9)  # nobody touches it, and it goes on
    who = await recognised(house, left)
    assert (who.kiosk, who.duties) == ("shelter", frozenset())
    await desks(house).people.end(organisation, person.id, Duty.CHECK, by=None)
    with pytest.raises(NotAuthenticated):
        await recognised(house, left)


async def test_of_one_session_one_counter_is_left(house: House) -> None:
    person, _ = await with_key(house, Duty.CHECK)
    cookie = await session_of(house, person)
    done = await asyncio.gather(
        *(
            desks(house).sessions.to_kiosk(cookie, "any", browser=BROWSER, network=NETWORK)
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, str) for each in done) == 1
    assert sum(isinstance(each, NotAuthenticated) for each in done) == 3
    assert (await whats(house)).count("kiosk-begun") == 1


async def test_only_who_may_check_leaves_a_counter(house: House) -> None:
    person, _ = await with_key(house, Duty.ISSUE)
    cookie = await session_of(house, person)
    with pytest.raises(Forbidden):
        await desks(house).sessions.to_kiosk(
            cookie, "shelter", browser=BROWSER, network=NETWORK
        )


# --- duties --------------------------------------------------------------------------------


async def test_a_duty_that_ended_a_second_ago_has_ended(house: House) -> None:
    person, _ = await with_key(house, Duty.ISSUE)
    cookie = await session_of(house, person)
    await desks(house).people.end(person.organisation_id, person.id, Duty.ISSUE, by=None)
    with pytest.raises(Forbidden):
        (await recognised(house, cookie)).needs(Duty.ISSUE)


async def test_who_is_dismissed_is_out_at_once(house: House) -> None:
    person, made = await with_key(house, Duty.ISSUE)
    cookie = await session_of(house, person)
    gone = await desks(house).people.dismiss(person.organisation_id, person.id, by=None)
    assert (gone.duties, gone.can_sign_in) == (frozenset(), False)
    for refused in (recognised(house, cookie), sign_in(house, made), session_of(house, person)):
        with pytest.raises(NotAuthenticated):
            await refused
    for refused_ in (
        desks(house).people.give(gone.organisation_id, gone.id, Duty.CHECK, by=None),
        desks(house).people.invite_again(gone.organisation_id, gone.id, by=None),
    ):
        with pytest.raises(Conflict):
            await refused_


async def test_the_last_administrator_stays(house: House) -> None:
    person, _ = await with_key(house, Duty.ADMINISTER)
    await enrolled(house, Duty.ADMINISTER)  # has never signed in: does not count
    people, organisation = desks(house).people, person.organisation_id
    for refused in (
        people.end(organisation, person.id, Duty.ADMINISTER, by=person.id),
        people.dismiss(organisation, person.id, by=person.id),
    ):
        with pytest.raises(Conflict) as told:
            await refused
        assert told.value.code == "last-administrator"


async def test_two_administrators_do_not_end_each_other_at_one_moment(house: House) -> None:
    one, _ = await with_key(house, Duty.ADMINISTER)
    other, _ = await with_key(house, Duty.ADMINISTER)
    people, organisation = desks(house).people, one.organisation_id
    done = await asyncio.gather(
        people.dismiss(organisation, other.id, by=one.id),
        people.dismiss(organisation, one.id, by=other.id),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in done) == 1


async def test_another_organisations_people_are_not_there(house: House) -> None:
    person, _ = await enrolled(house)
    people, other = desks(house).people, house.of("river").id
    for refused in (
        people.one(other, person.id),
        people.give(other, person.id, Duty.CHECK, by=None),
        people.end(other, person.id, Duty.CHECK, by=None),
        people.dismiss(other, person.id, by=None),
        people.invite_again(other, person.id, by=None),
        people.change(other, person.id, name="x", place_id=None, by=None),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await people.all(other) == []


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "\u202egnp", "x" * 81])
async def test_what_is_no_name_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidInput):
        await enrolled(house, name=name)


async def test_a_name_and_a_place_are_changed(house: House) -> None:
    person, _ = await enrolled(house)
    organisation = person.organisation_id
    place = await desks(house).places.add(organisation, "Planted-Place", by=None)
    changed = await desks(house).people.change(
        organisation, person.id, name="សុខា", place_id=place.id, by=None
    )
    assert (changed.name, changed.place_id) == ("សុខា", place.id)
    await desks(house).places.end(organisation, place.id, by=None)
    assert (await desks(house).places.names(organisation))[place.id] == "Planted-Place"
    with pytest.raises(NotFound):
        await desks(house).people.enrol(organisation, "x", (), by=None, place_id=place.id)
    with pytest.raises(NotFound):
        await desks(house).places.end(house.of("river").id, place.id, by=None)


async def test_names_rest_sealed(house: House) -> None:
    person, _ = await with_key(house, Duty.ISSUE)
    await desks(house).places.add(person.organisation_id, "Planted-Place", by=None)
    await session_of(house, person)
    async with house.database.reading() as session:
        for table in ("staff_member", "desk_place", "staff_session", "deed", "passkey"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert rows
            told = repr(rows)
            assert not any(each in told for each in ("Planted", BROWSER, NETWORK)), table


# --- four eyes -----------------------------------------------------------------------------


async def test_what_one_proposes_another_agrees_to_once(house: House) -> None:
    one, other = [(await with_key(house, *Duty))[0] for _ in range(2)]
    proposals, organisation = desks(house).proposals, one.organisation_id
    content = {"values": {"given_names": "Planted-Given"}}
    made = await proposals.propose(organisation, Kind.ISSUE, content, by=one.id)
    for refused in (proposals.to_agree, proposals.agree):
        with pytest.raises(Forbidden):
            await refused(organisation, made.id, by=one.id)
    told = await proposals.to_agree(organisation, made.id, by=other.id)
    assert told.content == content
    done = await asyncio.gather(
        *(proposals.agree(organisation, made.id, by=other.id) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in done) == 1
    with pytest.raises(Conflict):
        await proposals.to_agree(organisation, made.id, by=other.id)
    after = await proposals.one(organisation, made.id)
    assert (after.state, after.content, after.decided_by) == (State.AGREED, None, other.id)
    assert await proposals.open(organisation) == []


async def test_a_proposal_is_declined_or_taken_back_or_lapses(house: House) -> None:
    one, other = [(await with_key(house, *Duty))[0] for _ in range(2)]
    proposals, organisation = desks(house).proposals, one.organisation_id

    async def proposed() -> str:
        made = await proposals.propose(organisation, Kind.WITHDRAW, {}, by=one.id)
        return made.id

    for by in (one.id, other.id):
        declined = await proposed()
        await proposals.decline(organisation, declined, by=by)
        with pytest.raises(Conflict):
            await proposals.agree(organisation, declined, by=other.id)
    lapsed = await proposed()
    house.pass_time(days=3, seconds=1)
    with pytest.raises(Conflict):
        await proposals.agree(organisation, lapsed, by=other.id)
    await proposals.purge()
    assert (await proposals.one(organisation, lapsed)).state is State.LAPSED


async def test_what_somebody_asked_for_lapses_with_her(house: House) -> None:
    people, proposals = desks(house).people, desks(house).proposals
    ways: list[tuple[Duty | None, set[Kind]]] = [
        (Duty.ISSUE, {Kind.ISSUE}),
        (Duty.REVOKE, {Kind.WITHDRAW}),
        (Duty.CHECK, set()),
        (None, set(Kind)),
    ]
    for duty, lapsed in ways:
        one, _ = await with_key(house, *Duty)
        organisation = one.organisation_id
        made = {
            kind: await proposals.propose(organisation, kind, {"a": "Planted"}, by=one.id)
            for kind in Kind
        }
        if duty is None:
            await with_key(house, Duty.ADMINISTER)
            await people.dismiss(organisation, one.id, by=None)
        else:
            await people.end(organisation, one.id, duty, by=None)
        after = {kind: await proposals.one(organisation, made[kind].id) for kind in Kind}
        assert {kind for kind in Kind if after[kind].state is State.LAPSED} == lapsed
        assert {kind for kind in Kind if after[kind].content is None} == lapsed
        if duty is Duty.CHECK:
            await people.invite_again(organisation, one.id, by=None)
            assert not any(
                each.proposed_by == one.id for each in await proposals.open(organisation)
            )


async def test_who_is_newer_than_a_proposal_does_not_agree_to_it(house: House) -> None:
    people, proposals = desks(house).people, desks(house).proposals
    one, _ = await with_key(house, *Duty)
    before, _ = await with_key(house, *Duty)
    given, _ = await with_key(house, Duty.CHECK)
    device_lost, made = await with_key(house, *Duty)
    organisation = one.organisation_id
    proposed = await proposals.propose(organisation, Kind.OPTION, {}, by=one.id)
    new, _ = await with_key(house, *Duty)
    await people.give(organisation, given.id, Duty.ADMINISTER, by=one.id)
    again = await people.invite_again(organisation, device_lost.id, by=one.id)
    await make_key(house, again.token, made)
    for each in (new, given, device_lost):
        with pytest.raises(Forbidden) as refused:
            await proposals.agree(organisation, proposed.id, by=each.id)
        assert refused.value.code == "too-new-to-agree"
    await proposals.agree(organisation, proposed.id, by=before.id)


async def test_who_may_not_do_it_asks_for_nothing(house: House) -> None:
    one, _ = await with_key(house, Duty.ISSUE)
    proposals = desks(house).proposals
    for kind in (Kind.OPTION, Kind.WITHDRAW):
        with pytest.raises(Forbidden):
            await proposals.propose(one.organisation_id, kind, {}, by=one.id)


async def test_another_organisations_proposal_is_not_there(house: House) -> None:
    one, _ = await with_key(house, *Duty)
    proposals, other = desks(house).proposals, house.of("river").id
    made = await proposals.propose(one.organisation_id, Kind.OPTION, {}, by=one.id)
    for refused in (
        proposals.one(other, made.id),
        proposals.agree(other, made.id, by="somebody"),
        proposals.decline(other, made.id, by="somebody"),
    ):
        with pytest.raises(NotFound):
            await refused


async def test_an_option_is_turned_on_and_off(house: House) -> None:
    options, organisation = desks(house).options, house.of("harbour").id
    for on in (True, True, False, False):
        await options.turn(organisation, Option.TWO_FOR_IDENTITY, on=on, by=None)
        wanted = {Option.TWO_FOR_IDENTITY} if on else set()
        assert await options.on(organisation) == wanted
    assert await options.on(house.of("river").id) == frozenset()
    assert await whats(house) == ["option-off", "option-on"]


# --- what is forgotten ---------------------------------------------------------------------


async def test_what_is_past_is_forgotten(house: House) -> None:
    person, _ = await with_key(house, Duty.ISSUE)
    await session_of(house, person)
    await desks(house).passkeys.begin_sign_in()
    house.pass_time(days=366)
    await desks(house).purge()
    async with house.database.reading() as session:
        for table in ("staff_session", "staff_ceremony", "staff_enrolment", "deed"):
            rows = await session.execute(text(f"SELECT count(*) FROM {table}"))
            assert rows.scalar() == 0, table


async def test_deeds_are_counted_and_turned_over(house: House) -> None:
    person, _ = await enrolled(house)
    deeds, organisation = desks(house).deeds, person.organisation_id
    for _ in range(3):
        await deeds.note(organisation, person.id, "searched-in-vain")
    hour_ago = now() - timedelta(hours=1)
    counted = await house.database.read(
        lambda steps: count(steps, person.id, "searched-in-vain", hour_ago)
    )
    assert counted == 3
    first = await deeds.latest(organisation, size=2, member_id=person.id)
    rest = await deeds.latest(organisation, before=first[-1].id, member_id=person.id)
    assert (len(first), len(rest)) == (2, 1)
    assert await deeds.latest(house.of("river").id) == []
