"""Checking on agents in memory: starting, variants, verdicts, what is kept, paying once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import pytest
from controllers_house import (
    ELIGIBILITY,
    ENTITLEMENT,
    FUTURE,
    IDENTITY,
    PAYMENT,
    House,
    planted,
)
from sqlalchemy import func, select

from controllers.access import Role
from controllers.store.models import Check, CheckRequest, Event, Reservation
from controllers.verifier.service import State, Verdict
from controllers.wallet.sessions import OpenWallet
from core.errors import (
    Conflict,
    Gone,
    GovernanceDenied,
    InvalidInput,
    NotFound,
    Unavailable,
)
from core.ports import AnswerState, Invitation, TenantRef

LINK = "linkbetweentwocardsabcdefg"


async def holder(house: House) -> OpenWallet:
    wallet = await house.new_wallet()
    await house.issue(wallet)
    return wallet


async def payee(house: House, **values: object) -> OpenWallet:
    wallet = await house.new_wallet()
    await house.issue(wallet, "fund", "support-entitlement", {**ENTITLEMENT, **values})
    return wallet


async def representative(house: House) -> OpenWallet:
    """Holds the child's card and her own guardianship."""
    wallet = await house.new_wallet()
    linked = {**ELIGIBILITY, "held_for_other": 1, "link_shelter": LINK}
    await house.issue(wallet, "harbour", "service-eligibility", linked)
    guardian = {
        "rationale": "adjudicated",
        "perm_necessaries_until": FUTURE,
        "jurisdiction": "US-OR",
        "link_shelter": LINK,
        "framework_uri": "https://registry.example.org/framework",
        "audit_uri": "https://registry.example.org/audit",
        "appeal_uri": "https://registry.example.org/appeal",
    }
    await house.issue(wallet, "office", "guardianship", guardian)
    return wallet


def failed(check: Check) -> dict[str, str]:
    return {
        each["name"]: each["reason"]
        for each in check.result or []
        if each["outcome"] == "failed"
    }


async def events(house: House, check: Check) -> list[str]:
    async with house.database.reading() as session:
        found = await session.scalars(
            select(Event.kind).where(Event.subject_id == check.id).order_by(Event.id)
        )
        return list(found)


async def count(house: House, table: type) -> int:
    async with house.database.reading() as session:
        return (await session.scalar(select(func.count()).select_from(table))) or 0


async def test_an_honest_holder_is_accepted(house: House) -> None:
    check, _ = await house.check("river", "shelter")
    assert await house.accepted(check, await holder(house))
    done = await house.stored_check(check)
    assert (done.state, done.variant, done.permission) == (State.DONE, "plain", None)
    assert failed(done) == {}
    assert await events(house, check) == ["waiting", "accepted"]
    assert house.network.requests == {}  # the agent keeps nothing of it


async def test_a_representative_is_accepted_with_her_permission(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    wallet = await representative(small_house)
    await small_house.present(check, wallet, "representative")
    done = await small_house.judged(check)
    assert (done.verdict, done.variant, done.permission) == (
        Verdict.ACCEPTED,
        "representative",
        "necessaries",
    )


@pytest.mark.parametrize(
    ("slug", "name", "parameters", "error"),
    [
        ("river", "nothing", {}, NotFound),
        ("river", "court", {}, GovernanceDenied),
        ("river", "payment", PAYMENT, GovernanceDenied),
        ("court", "shelter", {}, GovernanceDenied),
        ("payer", "court", {}, GovernanceDenied),
        ("fund", "payment", PAYMENT, GovernanceDenied),
        ("authority", "shelter", {}, GovernanceDenied),
        ("payer", "payment", {}, InvalidInput),
        ("payer", "payment", {**PAYMENT, "amount_minor": 0}, InvalidInput),
        ("payer", "payment", {**PAYMENT, "currency": "usd"}, InvalidInput),
        ("payer", "payment", {**PAYMENT, "more": 1}, InvalidInput),
        ("river", "shelter", {"amount_minor": 1}, InvalidInput),
    ],
)
async def test_no_check_is_started_that_may_not_be(
    small_house: House,
    slug: str,
    name: str,
    parameters: Mapping[str, int | str],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await small_house.check(slug, name, parameters)
    assert await count(small_house, Check) == 0


async def test_a_request_is_made_when_it_is_first_asked_for_and_once(house: House) -> None:
    check, _ = await house.check("river", "shelter")
    assert house.network.calls["request"] == 0
    asked = [house.haven.verifier.request(check.id, "plain") for _ in range(4)]
    made = await asyncio.gather(*asked)
    assert len({each.exchange_id for each in made}) == 1
    assert len(house.network.requests) == 1
    other = await house.haven.verifier.request(check.id, "representative")
    assert other.exchange_id != made[0].exchange_id
    assert await count(house, CheckRequest) == 2


async def test_there_is_no_request_for_a_variant_that_is_not_there(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    with pytest.raises(NotFound):
        await small_house.haven.verifier.request(check.id, "other")
    with pytest.raises(NotFound):
        await small_house.haven.verifier.request("no-check", "plain")


async def test_a_holder_who_says_no(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    wallet = await holder(small_house)
    made = await small_house.haven.verifier.request(check.id, "plain")
    request = await small_house.wallet.requests.take_in(
        wallet, dict(made.invitation), dict(made.statement)
    )
    await small_house.wallet.requests.decline(wallet, request.id)
    done = await small_house.judged(check)
    assert (done.verdict, done.result) == (Verdict.NOT_SHOWN, [])
    assert await events(small_house, check) == ["waiting", "not-shown"]


async def test_a_check_that_nobody_answers_ends(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    await small_house.haven.verifier.request(check.id, "plain")
    assert (await small_house.judged(check)).state == State.WAITING
    small_house.pass_time(minutes=11)
    with pytest.raises(Gone):
        await small_house.haven.verifier.request(check.id, "plain")
    assert (await small_house.judged(check)).verdict == Verdict.NOT_SHOWN
    assert small_house.network.requests == {}


async def test_the_desk_closes_a_check(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    for _ in range(2):
        closed = await small_house.haven.verifier.cancel(small_house.of("river"), check.id)
        assert closed.verdict == Verdict.NOT_SHOWN
    with pytest.raises(Gone):
        await small_house.haven.verifier.request(check.id, "plain")
    assert await events(small_house, check) == ["waiting", "not-shown"]


async def test_closing_what_is_done_changes_nothing(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    assert await small_house.accepted(check, await holder(small_house))
    closed = await small_house.haven.verifier.cancel(small_house.of("river"), check.id)
    assert closed.verdict == Verdict.ACCEPTED


async def test_a_malformed_answer_is_refused(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    made = await small_house.haven.verifier.request(check.id, "plain")
    small_house.network.plant_malformed(made.exchange_id)
    done = await small_house.judged(check)
    assert done.verdict == Verdict.REFUSED
    assert failed(done) == {"complete": "malformed"}
    assert small_house.network.calls["verify"] == 0


async def test_an_answer_after_the_time_is_refused(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    wallet = await holder(small_house)
    exchange_id = await small_house.present(check, wallet)
    request = small_house.network.requests[exchange_id]
    assert request.shown
    small_house.pass_time(minutes=11)
    small_house.network.plant_answer(exchange_id, request.shown)
    done = await small_house.judged(check)
    assert (done.verdict, failed(done)) == (Verdict.REFUSED, {"freshness": "too-late"})


async def test_a_withdrawn_credential_is_refused(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issued = await small_house.issue(wallet)
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [issued.id])
    check, _ = await small_house.check("river", "shelter")
    await small_house.present(check, wallet)
    done = await small_house.judged(check)
    assert failed(done) == {"revocation": "revoked", "signature": "not-proven"}
    assert small_house.haven.verifier.disclosed(done) is None


async def test_many_workers_judge_once(house: House) -> None:
    check, _ = await house.check("payer", "payment", PAYMENT)
    await house.present(check, await payee(house))
    await asyncio.gather(*(house.haven.verifier.advance(check.id) for _ in range(5)))
    assert (await house.stored_check(check)).verdict == Verdict.ACCEPTED
    assert house.network.calls["verify"] == 1
    assert await events(house, check) == ["waiting", "accepted"]


@pytest.mark.parametrize("call", ["verify", "latest_list"])
async def test_a_judgement_that_breaks_off_is_made_again(house: House, call: str) -> None:
    check, _ = await house.check("payer", "payment", PAYMENT)
    await house.present(check, await payee(house))
    house.network.fail_once(call)
    with pytest.raises(Unavailable):
        await house.haven.verifier.advance(check.id)
    assert (await house.stored_check(check)).state == State.WAITING
    assert check.id in await house.haven.verifier.unfinished(house.haven.verifier._lifetime * 0)
    await asyncio.gather(*(house.haven.verifier.advance(check.id) for _ in range(3)))
    done = await house.stored_check(check)
    assert (done.verdict, failed(done)) == (Verdict.ACCEPTED, {})
    assert await count(house, Reservation) == 1


async def test_a_judgement_whose_worker_died_is_made_again(house: House) -> None:
    check, _ = await house.check("payer", "payment", PAYMENT)
    await house.present(check, await payee(house))
    died_at = await house.haven.verifier._claim(check)
    assert died_at
    assert (await house.judged(check)).state == State.JUDGING  # somebody may be at it
    house.pass_time(seconds=31)
    assert (await house.judged(check)).verdict == Verdict.ACCEPTED
    assert await count(house, Reservation) == 1


async def test_a_stale_claim_does_not_undo_the_next_one(house: House) -> None:
    check, _ = await house.check("river", "shelter")
    verifier = house.haven.verifier
    first = await verifier._claim(check)
    house.pass_time(seconds=31)
    second = await verifier._claim(await house.stored_check(check))
    assert first
    assert second
    await verifier._give_back(check, first)
    assert (await house.stored_check(check)).state == State.JUDGING
    await verifier._give_back(check, second)
    assert (await house.stored_check(check)).state == State.WAITING


async def test_what_the_agent_did_not_forget_is_found_again(house: House) -> None:
    """As after a crash between the verdict and the forgetting."""
    check, _ = await house.check("river", "shelter")
    await house.present(check, await holder(house))
    house.network.fail_once("forget_request")
    with suppress(Unavailable):
        await house.haven.verifier.advance(check.id)
    done = await house.stored_check(check)
    assert (done.state, done.forgotten_at) == (State.DONE, None)
    assert house.network.requests
    house.pass_time(seconds=4)
    await house.haven.worker.sweep()
    assert house.network.requests == {}
    assert (await house.stored_check(check)).forgotten_at
    house.pass_time(seconds=4)
    assert await house.haven.verifier.unfinished(timedelta(seconds=3)) == []


async def test_a_request_made_while_its_check_ends_is_forgotten_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, _ = await house.check("river", "shelter")
    agent, verifier = house.fakes[0], house.haven.verifier
    invite_to = agent.invite_to

    async def ended_meanwhile(tenant: TenantRef, exchange_id: str, label: str) -> Invitation:
        await verifier.cancel(house.of("river"), check.id)
        return await invite_to(tenant, exchange_id, label)

    monkeypatch.setattr(agent, "invite_to", ended_meanwhile)
    with pytest.raises(Gone):
        await verifier.request(check.id, "plain")
    assert house.network.requests == {}


async def test_a_verdict_stands_although_the_agent_does_not_forget(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    await small_house.present(check, await holder(small_house))
    small_house.network.fail_once("forget_request")
    with suppress(Unavailable):
        await small_house.haven.verifier.advance(check.id)
    assert (await small_house.stored_check(check)).verdict == Verdict.ACCEPTED
    await small_house.haven.verifier.advance(check.id)
    assert small_house.network.requests == {}


# --- what was shown -------------------------------------------------------------------------

COURT_VALUES = ("Planted-Given", "Planted-Family")


async def test_what_was_shown_is_kept_as_long_as_the_policy_says(house: House) -> None:
    wallet = await house.new_wallet()
    await house.issue(wallet, "harbour", "identity", IDENTITY)
    check, _ = await house.check("court", "court")
    assert await house.accepted(check, wallet)
    shown = house.haven.verifier.disclosed(await house.stored_check(check))
    assert shown
    assert shown["identity"]["given_names"] == "Planted-Given"
    assert planted(*COURT_VALUES, inside=await house.raw_rows()) == []
    house.pass_time(days=89)
    await house.haven.verifier.purge()
    assert house.haven.verifier.disclosed(await house.stored_check(check)) == shown
    house.pass_time(days=2)
    assert house.haven.verifier.disclosed(await house.stored_check(check)) is None
    await house.haven.verifier.purge()
    purged = await house.stored_check(check)
    assert (purged.sealed_disclosed, purged.disclosed_until) == (None, None)
    assert purged.verdict == Verdict.ACCEPTED


async def test_where_nothing_is_kept_the_desk_has_two_minutes(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    assert await small_house.accepted(check, await holder(small_house))
    shown = small_house.haven.verifier.disclosed(await small_house.stored_check(check))
    assert shown == {"eligibility": {"region": "KH-12", "household_size": "2"}}
    small_house.pass_time(minutes=2, seconds=1)
    assert small_house.haven.verifier.disclosed(await small_house.stored_check(check)) is None
    await small_house.haven.verifier.purge()
    assert (await small_house.stored_check(check)).sealed_disclosed is None


async def test_nobody_reads_the_check_of_another_organisation(small_house: House) -> None:
    check, _ = await small_house.check("river", "shelter")
    for slug in ("harbour", "court", "payer"):
        with pytest.raises(NotFound):
            await small_house.haven.verifier.get(small_house.of(slug), check.id)
        with pytest.raises(NotFound):
            await small_house.haven.verifier.cancel(small_house.of(slug), check.id)


# --- once a month ---------------------------------------------------------------------------


async def paid(house: House, wallet: OpenWallet) -> Check:
    check, _ = await house.check("payer", "payment", PAYMENT)
    await house.present(check, wallet)
    return await house.judged(check)


async def test_one_payment_for_each_reference_and_month(house: House) -> None:
    wallet = await payee(house)
    assert (await paid(house, wallet)).verdict == Verdict.ACCEPTED
    again = await paid(house, wallet)
    assert (again.verdict, failed(again)) == (Verdict.REFUSED, {"once": "used-already"})
    assert again.sealed_disclosed is None
    other = await payee(house, payment_ref="anotherpaymentreferenceabc")
    assert (await paid(house, other)).verdict == Verdict.ACCEPTED
    assert str(ENTITLEMENT["payment_ref"]) not in await house.raw_rows()
    house.pass_time(days=32)
    assert (await paid(house, wallet)).verdict == Verdict.ACCEPTED
    await house.haven.verifier.purge()
    assert await count(house, Reservation) == 1


async def test_of_payments_at_once_one_is_made(house: House) -> None:
    wallet = await payee(house)
    checks = [(await house.check("payer", "payment", PAYMENT))[0] for _ in range(4)]
    for check in checks:
        await house.present(check, wallet)
    await asyncio.gather(*(house.haven.verifier.advance(each.id) for each in checks))
    done = [await house.stored_check(each) for each in checks]
    verdicts = sorted(str(each.verdict) for each in done)
    assert verdicts == ["accepted", "refused", "refused", "refused"]


async def test_a_till_that_failed_gives_its_reservation_back(house: House) -> None:
    wallet = await payee(house)
    done = await paid(house, wallet)
    key = await house.key("payer", Role.CHECK)
    async with house.client(key) as client:
        path = f"/api/verifier/checks/{done.id}/release"
        released, again = await client.post(path), await client.post(path)
    assert (released.status_code, released.json()["verdict"]) == (200, "accepted")
    assert again.status_code == 409
    assert await events(house, done) == ["waiting", "accepted", "released"]
    assert (await paid(house, wallet)).verdict == Verdict.ACCEPTED
    assert (await paid(house, wallet)).verdict == Verdict.REFUSED


async def test_only_a_check_that_reserved_gives_back(small_house: House) -> None:
    verifier, wallet = small_house.haven.verifier, await payee(small_house)
    done = await paid(small_house, wallet)
    refused = await paid(small_house, wallet)
    waiting, _ = await small_house.check("payer", "payment", PAYMENT)
    for check in (refused, waiting):
        with pytest.raises(Conflict):
            await verifier.release(small_house.of("payer"), check.id)
        assert "released" not in await events(small_house, check)
    for slug in ("river", "court"):
        with pytest.raises(NotFound):
            await verifier.release(small_house.of(slug), done.id)
    assert await count(small_house, Reservation) == 1


async def test_what_is_refused_uses_nothing_up(small_house: House) -> None:
    wallet = await payee(small_house)
    check, _ = await small_house.check("payer", "payment", PAYMENT)
    exchange_id = await small_house.present(check, wallet)
    shown = small_house.network.requests[exchange_id].shown
    assert shown
    small_house.network.plant_answer(exchange_id, shown, verified=False)
    assert (await small_house.judged(check)).verdict == Verdict.REFUSED
    assert await count(small_house, Reservation) == 0
    assert (await paid(small_house, wallet)).verdict == Verdict.ACCEPTED


async def test_a_second_answer_to_a_check_that_is_done_changes_nothing(
    small_house: House,
) -> None:
    check, _ = await small_house.check("river", "shelter")
    assert await small_house.accepted(check, await holder(small_house))
    before = await small_house.stored_check(check)
    await small_house.haven.verifier.advance(check.id)
    after = await small_house.stored_check(check)
    assert (after.result, after.updated_at) == (before.result, before.updated_at)
    assert AnswerState.RECEIVED not in [r.state for r in small_house.network.requests.values()]
