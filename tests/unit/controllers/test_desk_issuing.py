"""The issuer's desk without a browser: form, issuing once, finding, withdrawing, four eyes."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import pytest
from controllers_house import FUTURE, House
from desk_hands import Hands, Page, hands_of
from sqlalchemy import text

from controllers.issuer.service import State
from controllers.staff.options import Option
from controllers.staff.people import Duty
from core.errors import Unavailable
from credential_defs import load_all

DAY = f"{str(FUTURE)[:4]}-{str(FUTURE)[4:6]}-{str(FUTURE)[6:]}"
SERVICES = {"a-status": "assessed", "a-shelter_until": DAY, "a-household_size": "2"}
IDENTITY = {
    "a-given_names": "Planted-Given",
    "a-family_name": "Planted-Family",
    "a-assurance_level": "3",
    "a-issued_dateint": "2026-01-05",
    "a-expires_dateint": DAY,
}
REFERENCE = "Planted 2026-0113"
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus '",
    "=cmd|'/C calc'!A0",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eevil",
    "x" * 5000,
]


def flat(fields: dict[str, str]) -> dict[str, Any]:
    return dict(fields)


async def reviewed(hands: Hands, credential: str, fields: dict[str, str]) -> Page:
    form = await hands.open(f"/desk/issue/{credential}")
    return await hands.send(form, f"/desk/issue/{credential}", step="review", **flat(fields))


async def issued(
    hands: Hands, credential: str = "service-eligibility", fields: dict[str, str] = SERVICES
) -> Page:
    review = await reviewed(hands, credential, fields)
    assert review.status == 200, review.text
    return await hands.send(review, f"/desk/issue/{credential}", step="issue")


def id_of(page: Page) -> str:
    found = re.search(r"/desk/issued/([0-9a-f-]{36})", page.path)
    assert found, page.path
    return found[1]


async def in_a_wallet(house: House, page: Page) -> str:
    """A wallet takes up what the page shows."""
    issuance = await house.haven.issuer.get(house.of("harbour"), id_of(page))
    link = re.search(r"data-link>([^<]+)<", page.text)
    code = re.search(r"data-code>([^<]+)<", page.text)
    assert link
    assert code
    await house.haven.links.bind(link[1].rpartition("/")[2], "c" * 40, code[1])
    await house.taken(issuance, await house.new_wallet())
    return issuance.id


async def test_from_the_form_to_a_credential_in_a_wallet(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    tiles = await hands.open("/desk/issue")
    assert "/desk/issue/service-eligibility" in tiles.reader.links
    assert "/desk/issue/support-entitlement" not in tiles.reader.links  # not granted to it
    review = await reviewed(hands, "service-eligibility", SERVICES)
    assert "An approved organisation talked with you" in review.text
    assert "2099-01-01" in review.text
    page = await hands.send(review, "/desk/issue/service-eligibility", step="issue")
    assert "<svg" in page.text
    again = await hands.open(page.path)  # a reload shows the same
    link = r"data-link>([^<]+)<"
    assert re.findall(link, again.text) == re.findall(link, page.text) != []
    issuance_id = await in_a_wallet(small_house, page)
    done = await hands.open(f"/desk/issued/{issuance_id}")
    assert hands.says("issuing.state.issued") in done.shown
    assert "<svg" not in done.text


async def test_another_browser_does_not_show_the_code(small_house: House) -> None:
    page = await issued(await hands_of(small_house, Duty.ISSUE))
    other = await hands_of(small_house, Duty.ISSUE)
    shown = await other.open(page.path)
    assert "data-code" not in shown.text
    assert other.says("issuing.shown-elsewhere") in shown.shown


async def test_sent_twice_it_is_issued_once(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    review = await reviewed(hands, "service-eligibility", SERVICES)
    pages = [
        await hands.send(review, "/desk/issue/service-eligibility", step="issue")
        for _ in range(2)
    ]
    assert pages[0].path == pages[1].path
    listed = await hands.open("/desk/issued")
    assert listed.text.count("/desk/issued/") - listed.text.count("/desk/issued/search") == 1


@pytest.mark.parametrize("credential", ["service-eligibility", "identity"])
async def test_every_field_is_rendered_from_its_overlays(
    small_house: House, credential: str
) -> None:
    definition = load_all()[credential]
    for language in ("en", "es", "km"):
        hands = await hands_of(small_house, Duty.ISSUE, language=language)
        page = await hands.open(f"/desk/issue/{credential}")
        shown = html.unescape(page.text)
        for attribute in definition.attributes:
            asked = attribute.known_flag_of is None
            asked = asked and (not attribute.reference or attribute.role == "link")
            assert (f'id="f-a-{attribute.name}"' in page.text) is asked
            if asked:
                assert attribute.label.in_language(language) in shown
                assert attribute.help.in_language(language) in shown


async def test_what_does_not_fit_is_said_beside_it_and_nothing_is_lost(
    small_house: House,
) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await reviewed(
        hands,
        "service-eligibility",
        {**SERVICES, "a-status": "", "a-household_size": "many", "reference": "x" * 81},
    )
    assert page.status == 422
    for each in ("f-a-status", "f-a-household_size", "f-reference"):
        assert f'id="{each}-wrong"' in page.text
        assert f'href="#{each}"' in page.text
    form = page.form("/desk/issue/service-eligibility")
    assert form.fields["a-shelter_until"] == DAY
    assert form.fields["a-household_size"] == "many"


async def test_changing_after_the_review_keeps_what_was_typed(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    review = await reviewed(hands, "identity", {**IDENTITY, "reference": REFERENCE})
    page = await hands.send(review, "/desk/issue/identity", step="change")
    fields = page.form("/desk/issue/identity").fields
    assert {name: fields[name] for name in IDENTITY} == IDENTITY
    assert fields["reference"] == REFERENCE


@pytest.mark.parametrize("nasty", NASTY, ids=lambda text: text[:12])
async def test_nothing_that_is_typed_becomes_part_of_a_page(
    small_house: House, nasty: str
) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    for credential in ("service-eligibility", "identity"):
        fields = {
            f"a-{each.name}": nasty
            for each in load_all()[credential].attributes
            if each.known_flag_of is None
        }
        page = await reviewed(hands, credential, {**fields, "reference": nasty})
        assert page.status == 422
        assert nasty not in page.text or nasty.startswith(("=", "{", "x", "\u202e"))
        assert "49" not in re.findall(r'value="(49)', page.text)
    names = {**IDENTITY, "a-given_names": nasty[:99], "reference": REFERENCE}
    page = await reviewed(hands, "identity", names)
    if page.status == 200:
        assert html.escape(nasty[:99]).replace("&#x27;", "&#39;") in page.text.replace(
            "&#34;", "&quot;"
        )


async def test_another_organisations_issuance_is_not_there(small_house: House) -> None:
    page = await issued(await hands_of(small_house, Duty.ISSUE))
    other = await hands_of(small_house, *Duty, slug="fund")
    unknown = "/desk/issued/00000000-0000-4000-8000-000000000000"
    for tail in ("", "/part", "/withdraw", "/live"):
        answers = [await other.open(each + tail) for each in (page.path, unknown)]
        assert [each.status for each in answers] == [404, 404]
        assert answers[0].text.count("\n") == answers[1].text.count("\n")
    for tail in ("/take-back", "/withdraw"):
        refused = await other.post(page.path + tail, {"because": "lost"})
        assert refused.status == 404
    assert (await other.open("/desk/issue/service-eligibility")).status == 403


async def test_a_duty_that_ended_between_form_and_button_issues_nothing(
    small_house: House,
) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    review = await reviewed(hands, "service-eligibility", SERVICES)
    people = small_house.haven.desks.people
    await people.end(hands.person.organisation_id, hands.person.id, Duty.ISSUE, by=None)
    page = await hands.send(review, "/desk/issue/service-eligibility", step="issue")
    assert page.status == 403
    async with small_house.database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM issuance")) == 0


async def test_it_is_found_by_ones_own_reference_however_it_is_written(
    small_house: House,
) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await issued(hands, "service-eligibility", {**SERVICES, "reference": REFERENCE})
    listed = await hands.open("/desk/issued")
    for wanted, found in (
        (REFERENCE, True),
        (" planted  2026-0113 ", True),
        ("Planted", False),
    ):
        searched = await hands.send(listed, "/desk/issued/search", reference=wanted)
        assert (page.path in searched.reader.links) is found
        assert "?" not in str(searched.answer.url)
    other = await hands_of(small_house, Duty.ISSUE, slug="fund")
    searched = await other.send(
        await other.open("/desk/issued"), "/desk/issued/search", reference=REFERENCE
    )
    assert page.path not in searched.reader.links


async def test_who_guesses_references_is_stopped_for_an_hour(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    await issued(hands, "service-eligibility", {**SERVICES, "reference": REFERENCE})
    listed = await hands.open("/desk/issued")
    for number in range(20):
        page = await hands.send(listed, "/desk/issued/search", reference=f"guess {number}")
        assert page.status == 200
    stopped = await hands.send(listed, "/desk/issued/search", reference=REFERENCE)
    assert stopped.status == 429
    assert hands.says("error.too-many-searches") in stopped.shown
    small_house.pass_time(hours=1, seconds=1)
    hands = await hands_of(small_house, Duty.ISSUE)
    listed = await hands.open("/desk/issued")
    assert (await hands.send(listed, "/desk/issued/search", reference=REFERENCE)).status == 200


async def test_many_searches_at_once_are_no_way_around_it(house: House) -> None:
    hands = await hands_of(house, Duty.ISSUE)
    await issued(hands, "service-eligibility", {**SERVICES, "reference": REFERENCE})
    sent = {"csrf": await hands.csrf()}

    async def search(reference: str) -> int:
        fields = {**sent, "reference": reference}
        return (await hands.client.post("/desk/issued/search", data=fields)).status_code

    assert await search(REFERENCE) == 200
    answers = await asyncio.gather(*(search(f"guess {number}") for number in range(100)))
    assert (answers.count(200), answers.count(429)) == (20, 80)
    assert await search(REFERENCE) == 429
    deeds = await house.haven.desks.deeds.latest(hands.person.organisation_id)
    found = [(each.member_id, each.subject_id) for each in deeds if each.what == "searched"]
    assert found == [(hands.person.id, None)]


async def test_a_credential_is_withdrawn_for_a_reason(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE, Duty.REVOKE)
    issuance_id = await in_a_wallet(small_house, await issued(hands))
    path = f"/desk/issued/{issuance_id}/withdraw"
    form = await hands.open(path)
    assert (await hands.send(form, path)).status == 422
    done = await hands.send(form, path, because="safety")
    assert hands.says("issued.because.safety") in done.shown
    stored = await small_house.haven.issuer.get(small_house.of("harbour"), issuance_id)
    assert stored.revoked_at is not None
    assert stored.withdrawn_because == "safety"
    assert (await hands.send(form, path, because="lost")).status == 409


async def test_only_who_may_withdraw_does(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    issuance_id = await in_a_wallet(small_house, await issued(hands))
    assert (await hands.open(f"/desk/issued/{issuance_id}/withdraw")).status == 403
    path = f"/desk/issued/{issuance_id}/withdraw"
    assert (await hands.post(path, {"because": "lost"})).status == 403


async def test_an_offer_is_taken_back(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await issued(hands)
    after = await hands.send(page, f"{page.path}/take-back")
    assert hands.says("issuing.state.expired") in after.shown
    issuance = await small_house.haven.issuer.get(small_house.of("harbour"), id_of(page))
    assert issuance.state == State.EXPIRED


async def test_it_is_issued_anew_and_the_one_before_is_named(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    issuance_id = await in_a_wallet(small_house, await issued(hands))
    before = await hands.open(f"/desk/issued/{issuance_id}")
    again = f"/desk/issue/service-eligibility?replaces={issuance_id}"
    assert again in before.reader.links
    form = await hands.open(again)
    address = "/desk/issue/service-eligibility"
    review = await hands.send(form, address, step="review", **flat(SERVICES))
    page = await hands.send(review, address, step="issue")
    stored = await small_house.haven.issuer.get(small_house.of("harbour"), id_of(page))
    assert stored.replaces == issuance_id


async def test_two_people_withdraw_where_the_organisation_wants_it(small_house: House) -> None:
    one = await hands_of(small_house, Duty.ISSUE, Duty.REVOKE, name="One")
    two = await hands_of(small_house, Duty.REVOKE, name="Two")
    organisation = one.person.organisation_id
    await small_house.haven.desks.options.turn(
        organisation, Option.TWO_FOR_WITHDRAWING, on=True, by=None
    )
    issuance_id = await in_a_wallet(small_house, await issued(one))
    path = f"/desk/issued/{issuance_id}/withdraw"
    task = await one.send(await one.open(path), path, because="lost")
    assert task.path.startswith("/desk/tasks/")
    assert (await one.post(f"{task.path}/agree", {})).status == 403
    issuer, harbour = small_house.haven.issuer, small_house.of("harbour")
    assert (await issuer.get(harbour, issuance_id)).revoked_at is None
    assert task.path in (await two.open("/desk/tasks")).reader.links
    done = await two.send(await two.open(task.path), f"{task.path}/agree")
    assert done.path == f"/desk/issued/{issuance_id}"
    assert (await issuer.get(harbour, issuance_id)).revoked_at is not None
    assert (await two.post(f"{task.path}/agree", {})).status == 409
    what = [each.what for each in await small_house.haven.desks.deeds.latest(organisation)]
    assert what[:3] == ["agreed-withdraw", "withdrawn", "proposed-withdraw"]


async def test_two_people_issue_an_identity_that_was_checked_well(small_house: House) -> None:
    one, two = [await hands_of(small_house, Duty.ISSUE, name=name) for name in ("One", "Two")]
    await small_house.haven.desks.options.turn(
        one.person.organisation_id, Option.TWO_FOR_IDENTITY, on=True, by=None
    )
    plain = await issued(one, "identity", {**IDENTITY, "a-assurance_level": "2"})
    assert plain.path.startswith("/desk/issued/")
    task = await issued(one, "identity", IDENTITY)
    assert task.path.startswith("/desk/tasks/")
    shown = await two.open(task.path)
    assert "Planted-Given" in shown.text
    page = await two.send(shown, f"{task.path}/agree")
    assert "data-code" in page.text
    assert "Planted-Given" not in (await two.open(task.path)).text


async def test_what_could_not_be_done_still_waits(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed in the middle leaves a proposal open, not agreed and undone."""
    one = await hands_of(small_house, Duty.ISSUE, Duty.REVOKE, name="One")
    two = await hands_of(small_house, Duty.ISSUE, Duty.REVOKE, name="Two")
    organisation, desks = one.person.organisation_id, small_house.haven.desks
    issuance_id = await in_a_wallet(small_house, await issued(one))
    for option in Option:
        await desks.options.turn(organisation, option, on=True, by=None)
    path = f"/desk/issued/{issuance_id}/withdraw"
    tasks = [
        await one.send(await one.open(path), path, because="lost"),
        await issued(one, "identity", IDENTITY),
    ]
    shown = [await two.open(task.path) for task in tasks]

    async def fails(*_: object, **__: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as broken:
        for name in ("revoke", "create"):
            broken.setattr(small_house.haven.issuer, name, fails)
        for page in shown:
            assert (await two.send(page, f"{page.path}/agree")).status == 503
    assert len(await desks.proposals.open(organisation)) == 2
    for page in shown:
        assert (await two.send(page, f"{page.path}/agree")).status == 200
    assert await desks.proposals.open(organisation) == []


async def test_who_declines_ends_it(small_house: House) -> None:
    one, two = [await hands_of(small_house, Duty.ISSUE, name=name) for name in ("One", "Two")]
    await small_house.haven.desks.options.turn(
        one.person.organisation_id, Option.TWO_FOR_IDENTITY, on=True, by=None
    )
    task = await issued(one, "identity", IDENTITY)
    await two.send(await two.open(task.path), f"{task.path}/decline")
    assert (await two.post(f"{task.path}/agree", {})).status == 409
    outsider = await hands_of(small_house, Duty.REVOKE)
    assert (await outsider.open(task.path)).status == 403
    assert (
        await (await hands_of(small_house, *Duty, slug="fund")).open(task.path)
    ).status == 404


async def test_values_and_references_stand_in_no_address_and_no_table(
    small_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await issued(hands, "identity", {**IDENTITY, "reference": REFERENCE})
    assert "Planted" not in str(page.answer.url) + repr(page.answer.headers)
    async with small_house.database.reading() as session:
        for table in ("issuance", "deed", "event", "repeatable_request", "link"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert "Planted" not in repr(rows), table
    assert "Planted" not in caplog.text


async def test_a_guardians_card_tells_the_codes_that_link_it(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE, slug="office")
    fields = {
        "a-rationale": "adjudicated",
        "a-jurisdiction": "US-OR",
        "a-framework_uri": "https://example.org/a",
        "a-audit_uri": "https://example.org/b",
        "a-appeal_uri": "https://example.org/c",
    }
    review = await reviewed(hands, "guardianship", fields)
    sent = review.form("/desk/issue/guardianship").fields
    codes = [sent[f"a-{name}"] for name in load_all()["guardianship"].links]
    assert len(set(codes)) == len(codes) == 3
    assert all(code in html.unescape(review.text) for code in codes)
