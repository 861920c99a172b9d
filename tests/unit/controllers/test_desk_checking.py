"""The verifier's desk without a browser: buttons, verdicts in words, retention, a counter."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from controllers_house import ENTITLEMENT, IDENTITY, House
from desk_hands import Hands, Page, hands_of
from hypothesis import given as drawn
from hypothesis import strategies as st

import controllers.desks
from controllers.desks.asking import Asked, AskField, parameters_of
from controllers.staff.people import Duty
from controllers.store.models import Check
from controllers.verifier.service import Verdict
from core.errors import InvalidInput
from governance.assessment import CHECK_NAMES
from governance.model import IntegerParameter, Parameter
from governance.reasons import CheckReason, DenyReason

TEXTS = json.loads(
    (Path(controllers.desks.__file__).parent / "languages" / "checking.en.json").read_text()
)["texts"]
JUDGED = ("predicate", "signature", "revocation", "issuer", "verifier", "freshness", "once")
OTHER_REASONS = (
    "malformed",
    "not-made",
    "not-proven",
    "not-valid",
    "revoked",
    "not-shown",
    "foreign-registry",
    "list-not-found",
    "old-list",
    "too-late",
    "used-already",
)


def id_of(page: Page) -> str:
    assert page.path.startswith("/desk/check/one/"), page.path
    return page.path.rpartition("/")[2]


async def begun(hands: Hands, name: str, **fields: str) -> Page:
    return await hands.send(
        await hands.open("/desk/check"), f"/desk/check/start/{name}", **fields
    )


async def answered(house: House, page: Page, credential: str, values: Any, slug: str) -> Check:
    wallet = await house.new_wallet()
    await house.issue(wallet, slug, credential, values)
    check = Check(id=id_of(page))
    await house.present(check, wallet)
    return await house.judged(check)


async def identified(house: House, hands: Hands) -> Page:
    page = await begun(hands, "court")
    await answered(house, page, "identity", IDENTITY, "harbour")
    return await hands.open(page.path)


@pytest.mark.parametrize(
    ("slug", "mine"), [("court", "court"), ("payer", "payment"), ("river", "shelter")]
)
async def test_there_is_a_button_for_what_the_framework_allows(
    small_house: House, slug: str, mine: str
) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug=slug)
    page = await hands.open("/desk/check")
    starts = [each.action for each in page.reader.forms if "/check/start/" in each.action]
    assert f"/desk/check/start/{mine}" in starts
    others = {"court", "payment"} - {mine}
    assert not any(f"/desk/check/start/{other}" in starts for other in others)
    refused = await hands.post(f"/desk/check/start/{others.pop()}", {})
    assert refused.status == 404


async def test_one_action_and_a_verdict_in_words(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    waiting = await begun(hands, "court")
    assert "<svg" in waiting.text
    assert hands.says("checking.waiting") in waiting.shown
    done = await identified(small_house, hands)
    assert hands.says("checking.accepted") in done.shown
    assert "Planted-Given" in done.text
    assert "1997-03-14" in done.text
    assert hands.says("made.signature") in done.shown
    assert '<svg class="sign"' in done.text
    what = [
        each.what
        for each in await small_house.haven.desks.deeds.latest(hands.person.organisation_id)
    ]
    assert {"check-started", "disclosed-read"} <= set(what)


async def test_what_was_learnt_is_gone_when_its_time_is_over(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    done = await identified(small_house, hands)
    small_house.pass_time(days=89)
    await small_house.haven.governance.refresh()  # as the worker does
    small_house.pass_time(days=2)
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    for tail in ("", "/part?live=1"):
        page = await hands.open(done.path + tail)
        assert "Planted" not in page.text
        assert hands.says("checking.accepted") in page.shown
    assert "Planted" not in (await hands.open("/desk/check/past")).text


async def test_a_page_with_values_goes_away_when_their_time_is_over(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    page = await begun(hands, "payment", **{"p-amount_minor": "45,00", "p-currency": "USD"})
    check = await answered(small_house, page, "support-entitlement", ENTITLEMENT, "fund")
    assert check.verdict == Verdict.ACCEPTED
    done = await hands.open(page.path)
    assert 'content="12' in done.text  # two minutes to read it, not fifteen
    assert "delay:12" in done.text


@pytest.mark.parametrize(
    "amount",
    [
        *("", "many", "-3", "1e99", "4.505", "NaN", "<b>", "12,000", "1.500", "1,500.00"),
        *("1 500", "1\u00a0500", "1\u202f500", "1e2", "1_0", "1e999999", "٣", "4.", ".5"),
    ],
)
async def test_an_amount_that_is_none_is_said_beside_it(
    small_house: House, amount: str
) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    page = await begun(hands, "payment", **{"p-amount_minor": amount, "p-currency": "USD"})
    assert page.status == 422
    assert hands.says("checking.wrong.money") in page.shown
    assert amount != "<b>" or "<b>" not in page.text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("45", "45.00"), ("45,5", "45.50"), (" 120.00 ", "120.00"), ("៤៥.០៥", "45.05")],
)
async def test_the_amount_stands_beside_the_code_and_beside_the_verdict(
    small_house: House, typed: str, shown: str
) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    page = await begun(hands, "payment", **{"p-amount_minor": typed, "p-currency": "USD"})
    told = f"data-asked>{shown} · US dollar (USD)<"
    assert told in page.text
    await answered(small_house, page, "support-entitlement", ENTITLEMENT, "fund")
    for tail in ("", "/part?live=1"):
        assert told in (await hands.open(page.path + tail)).text


@drawn(st.text(alphabet="0123456789.,-+eE_ \u00a0\u202f'٣៣", max_size=14))
def test_an_amount_is_what_is_written_or_none(typed: str) -> None:
    field = AskField("p-a", "a", "money", (), typed, wrong=False)
    asked = Asked("any", "Any", (field,))
    rules: dict[str, Parameter] = {"a": IntegerParameter(minimum=0, maximum=10**12)}
    try:
        given = parameters_of(asked, rules, {"p-a": typed})["a"]
    except InvalidInput:
        return
    plain = typed.strip().replace("៣", "3").replace(",", ".")
    assert Decimal(plain) * 100 == given
    assert len(plain.partition(".")[2]) <= 2


async def test_a_payment_is_given_back_when_it_did_not_happen(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    page = await begun(hands, "payment", **{"p-amount_minor": "45.00", "p-currency": "USD"})
    await answered(small_house, page, "support-entitlement", ENTITLEMENT, "fund")
    done = await hands.open(page.path)
    assert f"{page.path}/give-back" in done.reader.links
    asked = await hands.open(f"{page.path}/give-back")
    again = await hands.send(asked, f"{page.path}/give-back")
    assert again.path == page.path
    assert (await hands.send(asked, f"{page.path}/give-back")).status == 409


async def test_a_check_that_waits_is_stopped(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    page = await begun(hands, "court")
    stopped = await hands.send(page, f"{page.path}/stop")
    assert hands.says("checking.not-shown") in stopped.shown
    assert "/desk/check/start/court" in [each.action for each in stopped.reader.forms]


async def test_another_organisations_check_is_not_there(small_house: House) -> None:
    page = await begun(await hands_of(small_house, Duty.CHECK, slug="court"), "court")
    other = await hands_of(small_house, *Duty, slug="payer")
    for tail in ("", "/part", "/live", "/give-back"):
        assert (await other.open(page.path + tail)).status == 404
    for tail in ("/stop", "/give-back"):
        assert (await other.post(page.path + tail, {})).status == 404
    assert page.path not in (await other.open("/desk/check/past")).reader.links


async def test_what_was_shown_becomes_no_part_of_a_page(small_house: House) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    page = await begun(hands, "court")
    values = {**IDENTITY, "given_names": nasty, "family_name": "\"'><script>"}
    await answered(small_house, page, "identity", values, "harbour")
    done = await hands.open(page.path)
    assert nasty in done.shown
    assert "<img" not in done.text
    assert "<script>" not in done.text


@pytest.mark.parametrize("language", ["es", "km"])
async def test_a_result_is_in_the_desks_language(small_house: House, language: str) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court", language=language)
    done = await identified(small_house, hands)
    for key in ("checking.accepted", "made.signature", "made.revocation", "checking.learnt"):
        assert hands.says(key) in done.shown


def test_every_check_and_every_reason_has_its_words() -> None:
    # of Act and Recognise, which no check asks
    registry = {*(each for each in DenyReason if "action" in each or "comput" in each)}
    registry |= {each for each in DenyReason if "recogni" in each}
    reasons = {*map(str, CheckReason), *map(str, set(DenyReason) - registry), *OTHER_REASONS}
    wanted = {f"made.reason.{each}" for each in reasons}
    wanted |= {f"made.{each}" for each in (*CHECK_NAMES, *JUDGED)}
    assert wanted <= TEXTS.keys()


# --- a counter on its own ------------------------------------------------------------------


async def left_at(hands: Hands) -> Page:
    page = await hands.open("/desk/check")
    begin = [each for each in page.reader.forms if each.action == "/desk/kiosk/begin"]
    assert begin
    return await hands.send(page, "/desk/kiosk/begin")


async def test_a_counter_shows_a_code_then_a_verdict_and_no_value(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    ready = await left_at(hands)
    assert ready.path == "/desk/kiosk"
    waiting = await hands.send(ready, "/desk/kiosk/next")
    assert "<svg" in waiting.text
    assert "http-equiv" not in waiting.text  # it stays
    async with small_house.database.reading() as session:
        from sqlalchemy import select

        check = (await session.scalars(select(Check))).one()
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet, "harbour", "identity", IDENTITY)
    await small_house.present(check, wallet)
    await small_house.judged(check)
    for path in ("/desk/kiosk", "/desk/kiosk/part?live=1"):
        done = await hands.open(path)
        assert hands.says("kiosk.accepted") in done.shown
        assert "Planted" not in done.text
        assert "delay:20s" in done.text
    following = await hands.send(await hands.open("/desk/kiosk"), "/desk/kiosk/next")
    assert "<svg" in following.text
    ended = await hands.send(following, "/desk/kiosk/end")
    assert ended.path == "/desk/sign-in"
    assert (await hands.client.get("/desk/kiosk")).status_code == 303


async def test_a_check_that_needs_an_amount_runs_at_no_counter(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    page = await hands.open("/desk/check")
    assert "/desk/kiosk/begin" not in [each.action for each in page.reader.forms]
    assert (await hands.post("/desk/kiosk/begin", {"check": "payment"})).status == 422
    assert (await hands.post("/desk/kiosk/begin", {"check": "court"})).status == 404


async def test_a_counter_ends_with_the_duty_of_who_left_it(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="court")
    ready = await left_at(hands)
    people = small_house.haven.desks.people
    await people.end(hands.person.organisation_id, hands.person.id, Duty.CHECK, by=None)
    page = await hands.send(ready, "/desk/kiosk/next")
    assert page.path == "/desk/sign-in"
