"""Issuing on agents in memory: every state, every way to break off, and withdrawing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from controllers_house import ELIGIBILITY, ENTITLEMENT, IDENTITY, House, planted
from sqlalchemy import select

from controllers.issuer.meeting import Meeting
from controllers.issuer.service import State
from controllers.store.models import Event, Issuance
from controllers.wallet.sessions import OpenWallet
from core.errors import Conflict, Gone, GovernanceDenied, InvalidInput, NotFound, Unavailable
from core.ports import OfferState

OFFERS = "offer"
ISSUE = "issue"


async def settled(house: House, issuance: Issuance) -> Issuance:
    await house.haven.issuer.advance(issuance.id)
    return await house.issuance(issuance.id)


async def connected(house: House) -> tuple[Issuance, OpenWallet]:
    """Connected, and not offered yet."""
    wallet = await house.new_wallet()
    issuance, *_ = await house.offered()
    await house.connect(issuance, wallet)
    return await house.issuance(issuance.id), wallet


async def in_state_offered(house: House) -> tuple[Issuance, OpenWallet]:
    issuance, wallet = await connected(house)
    return await settled(house, issuance), wallet


def holder_side(house: House, issuance: Issuance) -> str:
    (found,) = [i for i in house.network.issuances if i.reference == issuance.id]
    return found.holder_side or ""


async def kinds(house: House, issuance: Issuance) -> list[str]:
    async with house.database.reading() as session:
        found = await session.scalars(
            select(Event.kind).where(Event.subject_id == issuance.id).order_by(Event.id)
        )
        return list(found)


async def test_from_the_desk_into_the_wallet(house: House) -> None:
    wallet = await house.new_wallet()
    issuance, *_ = await house.offered()
    assert issuance.state == State.WAITING
    await house.haven.issuer.meetings.by_invitation(issuance.id)
    assert (await settled(house, issuance)).state == State.INVITED
    await house.connect(issuance, wallet)
    offered = await settled(house, issuance)
    assert offered.state == State.OFFERED
    assert offered.sealed_values
    await house.fakes[1].accept_offer(wallet.token, holder_side(house, issuance))
    issued = await settled(house, issuance)
    assert issued.state == State.ISSUED
    assert (issued.sealed_values, issued.sealed_invitation) == (None, None)
    assert issued.registry_id
    assert issued.registry_index
    moved = ["waiting", "invited", "connected", "offering", "offered", "issuing", "issued"]
    assert await kinds(house, issuance) == moved
    assert issued.exchange_id is None
    assert house.network.issuances[0].forgotten


async def test_looking_again_changes_nothing(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issuance = await small_house.issue(wallet)
    before = await kinds(small_house, issuance)
    for _ in range(3):
        await small_house.haven.issuer.advance(issuance.id)
    assert await kinds(small_house, issuance) == before
    assert small_house.network.calls[OFFERS] == 1


async def test_values_rest_sealed_and_then_not_at_all(house: House) -> None:
    issuance, *_ = await house.offered("harbour", "identity", IDENTITY)
    secret = ("Planted-Given", "Planted-Family")
    assert planted(*secret, inside=await house.raw_rows()) == []
    wallet = await house.new_wallet()
    await house.issue(wallet, "harbour", "identity", IDENTITY)
    assert planted(*secret, inside=await house.raw_rows()) == []
    await house.haven.issuer.cancel(house.of("harbour"), issuance.id)
    async with house.database.reading() as session:
        rows = list(await session.scalars(select(Issuance)))
    assert [(row.sealed_values, row.sealed_invitation) for row in rows] == [(None, None)] * 2


async def test_the_invitation_is_the_same_at_each_asking(house: House) -> None:
    issuance, *_ = await house.offered()
    asked = await asyncio.gather(
        *(house.haven.issuer.meetings.by_invitation(issuance.id) for _ in range(4)),
        return_exceptions=True,
    )
    given = [each for each in asked if isinstance(each, Meeting)]
    assert given
    assert all(each == given[0] for each in given)
    assert await house.haven.issuer.meetings.by_invitation(issuance.id) == given[0]


async def test_a_wallet_that_never_connected_is_invited_anew(small_house: House) -> None:
    """A message of the handshake is gone with an agent that fell; an invitation is good for
    one handshake only."""
    issuance, *_ = await small_house.offered()
    first = await small_house.haven.issuer.meetings.by_invitation(issuance.id)
    small_house.pass_time(seconds=16)
    second = await small_house.haven.issuer.meetings.by_invitation(issuance.id)
    assert second != first
    assert await small_house.haven.issuer.meetings.by_invitation(issuance.id) == second
    assert await kinds(small_house, issuance) == ["waiting", "invited"]
    wallet = await small_house.new_wallet()
    await small_house.connect(issuance, wallet)
    small_house.pass_time(seconds=16)
    assert (await settled(small_house, issuance)).state == State.OFFERED
    assert await small_house.haven.issuer.meetings.by_invitation(issuance.id) == second


@pytest.mark.parametrize(
    ("slug", "credential", "values", "error"),
    [
        ("harbour", "nothing", {}, NotFound),
        ("harbour", "service-eligibility", {}, InvalidInput),
        ("harbour", "service-eligibility", {**ELIGIBILITY, "extra": 1}, InvalidInput),
        ("river", "service-eligibility", ELIGIBILITY, GovernanceDenied),
        ("fund", "service-eligibility", ELIGIBILITY, GovernanceDenied),
        ("court", "identity", IDENTITY, GovernanceDenied),
        ("authority", "identity", IDENTITY, GovernanceDenied),
    ],
)
async def test_nothing_is_made_that_may_not_be(
    small_house: House,
    slug: str,
    credential: str,
    values: dict[str, object],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await small_house.haven.issuer.create(small_house.of(slug), credential, values)
    async with small_house.database.reading() as session:
        assert list(await session.scalars(select(Issuance))) == []


async def test_declined(small_house: House) -> None:
    issuance, wallet = await in_state_offered(small_house)
    await small_house.fakes[1].close_offer(wallet.token, holder_side(small_house, issuance))
    declined = await settled(small_house, issuance)
    assert (declined.state, declined.sealed_values) == (State.DECLINED, None)


async def test_a_grant_that_ends_between_desk_and_wallet(small_house: House) -> None:
    issuance, _ = await connected(small_house)
    grant_id = small_house.grants["harbour", "service-eligibility"]
    await small_house.haven.accreditation.end_grant(grant_id)
    failed = await settled(small_house, issuance)
    assert (failed.state, failed.reason) == (State.FAILED, "not-authorised")
    assert failed.sealed_values is None
    assert small_house.network.calls[OFFERS] == 0


async def test_an_offer_that_the_agent_lost(small_house: House) -> None:
    issuance, _ = await in_state_offered(small_house)
    small_house.network.issuances.clear()
    lost = await settled(small_house, issuance)
    assert (lost.state, lost.reason, lost.sealed_values) == (State.FAILED, "lost", None)


async def requested(house: House) -> tuple[Issuance, OpenWallet]:
    """The wallet asked for the credential, and nobody looked yet."""
    issuance, wallet = await in_state_offered(house)
    await house.fakes[1].accept_offer(wallet.token, holder_side(house, issuance))
    return issuance, wallet


async def sent_to_a_closed_wallet(
    house: House, issuance: Issuance, wallet: OpenWallet
) -> Issuance:
    """The credential was requested, signed and sent, and never acknowledged."""
    house.network.wallets[wallet.wallet_id].sessions.clear()
    return await settled(house, issuance)


async def test_an_agent_that_removed_the_record_after_our_commit(small_house: House) -> None:
    issuance, wallet = await requested(small_house)
    sent = await sent_to_a_closed_wallet(small_house, issuance, wallet)
    assert sent.state == State.SENT
    (on_agent,) = small_house.network.issuances
    on_agent.forgotten = True
    issued = await settled(small_house, issuance)
    assert issued.state == State.ISSUED
    assert issued.registry_id == on_agent.registry_id


async def test_what_was_sent_and_never_acknowledged_says_so(small_house: House) -> None:
    issuance, wallet = await requested(small_house)
    sent = await sent_to_a_closed_wallet(small_house, issuance, wallet)
    small_house.pass_time(seconds=30)
    assert (await settled(small_house, sent)).state == State.SENT
    small_house.pass_time(seconds=31)
    issued = await settled(small_house, sent)
    assert (issued.state, issued.reason) == (State.ISSUED, "unacknowledged")
    (revoked,) = await small_house.haven.issuer.revoke(small_house.of("harbour"), [issuance.id])
    assert revoked.revoked_at


# --- its time is over, or it is taken back --------------------------------------------------


async def waiting(house: House) -> tuple[Issuance, OpenWallet]:
    return (await house.offered())[0], await house.new_wallet()


async def invited(house: House) -> tuple[Issuance, OpenWallet]:
    issuance, wallet = await waiting(house)
    await house.haven.issuer.meetings.by_invitation(issuance.id)
    return await house.issuance(issuance.id), wallet


async def offering(house: House) -> tuple[Issuance, OpenWallet]:
    """The offer was sent, and its worker died before it noted that."""
    issuance, wallet = await connected(house)
    house.network.fail_once(OFFERS, after=True)
    with suppress(Unavailable):
        await house.haven.issuer.advance(issuance.id)
    return await house.issuance(issuance.id), wallet


async def end_by_time(house: House, issuance: Issuance) -> None:
    house.pass_time(minutes=31)
    await house.haven.issuer.advance(issuance.id)


async def end_by_desk(house: House, issuance: Issuance) -> None:
    if issuance.state == State.OFFERING:  # it is not known yet what the agent did
        with pytest.raises(Conflict):
            await house.haven.issuer.cancel(house.of("harbour"), issuance.id)
        house.pass_time(seconds=21)
    await house.haven.issuer.cancel(house.of("harbour"), issuance.id)


BEGINNINGS = pytest.mark.parametrize(
    "begin",
    [waiting, invited, connected, offering, in_state_offered],
    ids=["waiting", "invited", "connected", "offering", "offered"],
)
ENDS = pytest.mark.parametrize("end", [end_by_time, end_by_desk], ids=["time", "desk"])
type Begin = Callable[[House], Awaitable[tuple[Issuance, OpenWallet]]]
type End = Callable[[House, Issuance], Awaitable[None]]


@BEGINNINGS
@ENDS
async def test_what_has_ended_gives_no_credential(
    small_house: House, begin: Begin, end: End
) -> None:
    issuance, wallet = await begin(small_house)
    await end(small_house, issuance)
    ended = await small_house.issuance(issuance.id)
    assert (ended.state, ended.sealed_values) == (State.EXPIRED, None)
    with pytest.raises(Gone):
        await small_house.haven.issuer.meetings.by_invitation(issuance.id)
    for offered in small_house.network.issuances:
        with pytest.raises(Conflict):
            await small_house.fakes[1].accept_offer(wallet.token, offered.holder_side or "")
    assert await small_house.fakes[1].credentials(wallet.token) == []


async def test_what_was_requested_in_time_is_issued_however_late(small_house: House) -> None:
    issuance, _ = await requested(small_house)
    await end_by_time(small_house, issuance)
    assert (await small_house.issuance(issuance.id)).state == State.ISSUED
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [issuance.id])


async def test_what_was_requested_can_be_taken_back_until_it_is_signed(
    small_house: House,
) -> None:
    issuance, wallet = await requested(small_house)
    await end_by_desk(small_house, issuance)
    ended = await settled(small_house, issuance)
    assert (ended.state, ended.exchange_id) == (State.EXPIRED, None)
    assert small_house.network.calls[ISSUE] == 0
    assert await small_house.fakes[1].credentials(wallet.token) == []


async def test_what_was_issued_cannot_be_taken_back_but_withdrawn(small_house: House) -> None:
    issuance = await small_house.issue(await small_house.new_wallet())
    with pytest.raises(Conflict):
        await small_house.haven.issuer.cancel(small_house.of("harbour"), issuance.id)


async def test_what_is_being_offered_is_taken_back_a_moment_later(small_house: House) -> None:
    issuance, wallet = await connected(small_house)
    org = small_house.fakes[0]
    honest = org.offer

    async def slow(*args: object) -> str:
        exchange_id = await honest(*args)  # type: ignore[arg-type] # passed through
        with pytest.raises(Conflict):
            await end_by_desk(small_house, issuance)
        return exchange_id

    org.offer = slow  # type: ignore[method-assign,assignment] # the desk cancels in this very moment
    await small_house.haven.issuer.advance(issuance.id)
    await end_by_desk(small_house, await small_house.issuance(issuance.id))
    assert (await small_house.issuance(issuance.id)).state == State.EXPIRED
    with pytest.raises(Conflict):
        await small_house.fakes[1].accept_offer(
            wallet.token, holder_side(small_house, issuance)
        )


# --- signing --------------------------------------------------------------------------------


async def test_two_requests_get_one_credential(small_house: House) -> None:
    issuance, wallet = await requested(small_house)
    (on_agent,) = small_house.network.issuances
    await asyncio.gather(*(small_house.haven.issuer.advance(issuance.id) for _ in range(6)))
    on_agent.state = OfferState.REQUESTED  # a request from another tab
    await asyncio.gather(*(small_house.haven.issuer.advance(issuance.id) for _ in range(6)))
    assert (await small_house.issuance(issuance.id)).state == State.ISSUED
    assert small_house.network.calls[ISSUE] == 1
    assert len(await small_house.fakes[1].credentials(wallet.token)) == 1


async def test_a_second_request_after_sending_changes_nothing(small_house: House) -> None:
    issuance, wallet = await requested(small_house)
    sent = await sent_to_a_closed_wallet(small_house, issuance, wallet)
    assert (sent.state, sent.sealed_values) == (State.SENT, None)
    (on_agent,) = small_house.network.issuances
    on_agent.state = OfferState.REQUESTED
    assert (await settled(small_house, issuance)).state == State.SENT
    assert small_house.network.calls[ISSUE] == 1
    small_house.pass_time(minutes=31)
    assert (await settled(small_house, issuance)).state == State.ISSUED
    assert on_agent.forgotten
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [issuance.id])


async def test_a_grant_that_ends_between_offer_and_request(small_house: House) -> None:
    issuance, wallet = await requested(small_house)
    grant_id = small_house.grants["harbour", "service-eligibility"]
    await small_house.haven.accreditation.end_grant(grant_id)
    failed = await settled(small_house, issuance)
    assert (failed.state, failed.reason) == (State.FAILED, "not-authorised")
    assert (failed.sealed_values, failed.exchange_id) == (None, None)
    assert small_house.network.calls[ISSUE] == 0
    assert small_house.network.issuances[0].state is OfferState.FAILED
    assert await small_house.fakes[1].credentials(wallet.token) == []


@pytest.mark.parametrize("noted", [False, True], ids=["not-noted", "sent"])
async def test_a_report_of_a_problem_hides_no_credential(
    small_house: House, noted: bool
) -> None:
    issuance, wallet = await requested(small_house)
    (on_agent,) = small_house.network.issuances
    if noted:
        await sent_to_a_closed_wallet(small_house, issuance, wallet)
    else:
        small_house.network.fail_once(ISSUE, after=True)
        with pytest.raises(Unavailable):
            await small_house.haven.issuer.advance(issuance.id)
    on_agent.state = OfferState.FAILED
    issued = await settled(small_house, issuance)
    assert (issued.state, issued.registry_id) == (State.ISSUED, on_agent.registry_id)
    assert issued.reason == "unacknowledged"
    (revoked,) = await small_house.haven.issuer.revoke(small_house.of("harbour"), [issuance.id])
    assert revoked.revoked_at


async def test_an_entry_is_noted_before_its_record_is_removed(small_house: House) -> None:
    issuance, _ = await requested(small_house)
    (on_agent,) = small_house.network.issuances
    await small_house.fakes[0].issue(small_house.tenant("harbour"), on_agent.issuer_side)
    await end_by_desk(small_house, issuance)  # it was signed, and we did not know
    issued = await small_house.issuance(issuance.id)
    assert (issued.state, issued.registry_id) == (State.ISSUED, on_agent.registry_id)


@pytest.mark.parametrize("after", [False, True], ids=["not-signed", "signed"])
async def test_a_worker_that_dies_over_the_signing(small_house: House, after: bool) -> None:
    issuance, wallet = await requested(small_house)
    small_house.network.fail_once(ISSUE, after=after)
    with pytest.raises(Unavailable):
        await small_house.haven.issuer.advance(issuance.id)
    assert (await small_house.issuance(issuance.id)).state == State.ISSUING
    if not after:  # somebody may be at it
        assert (await settled(small_house, issuance)).state == State.ISSUING
        with pytest.raises(Conflict):
            await end_by_desk(small_house, issuance)
        small_house.pass_time(minutes=3)
    await asyncio.gather(*(small_house.haven.issuer.advance(issuance.id) for _ in range(4)))
    issued = await small_house.issuance(issuance.id)
    assert (issued.state, issued.sealed_values) == (State.ISSUED, None)
    assert small_house.network.calls[ISSUE] == (1 if after else 2)
    assert len(await small_house.fakes[1].credentials(wallet.token)) == 1


async def never_signed(house: House) -> tuple[Issuance, OpenWallet]:
    """The agent does not answer when it is asked to sign."""
    issuance, wallet = await requested(house)
    house.network.fail_once(ISSUE)
    with pytest.raises(Unavailable):
        await house.haven.issuer.advance(issuance.id)
    return await house.issuance(issuance.id), wallet


async def test_what_stands_still_is_tried_once_more_and_given_up(small_house: House) -> None:
    issuance, _ = await never_signed(small_house)
    small_house.network.fail_once(ISSUE)
    with pytest.raises(Unavailable):
        await end_by_time(small_house, issuance)
    assert (await small_house.issuance(issuance.id)).state == State.ISSUING
    small_house.pass_time(minutes=3)
    failed = await settled(small_house, issuance)
    assert (failed.state, failed.reason) == (State.FAILED, "stalled")
    assert (failed.sealed_values, failed.exchange_id) == (None, None)
    assert small_house.network.calls[ISSUE] == 2
    assert small_house.network.issuances[0].state is OfferState.FAILED


async def test_what_stands_still_can_be_taken_back(small_house: House) -> None:
    issuance, _ = await never_signed(small_house)
    small_house.pass_time(minutes=3)
    await end_by_desk(small_house, issuance)
    assert (await settled(small_house, issuance)).state == State.EXPIRED
    assert small_house.network.calls[ISSUE] == 1


async def test_the_sweep_removes_from_the_agent_what_a_crash_left_there(
    small_house: House,
) -> None:
    issuance, _ = await requested(small_house)
    small_house.network.fail_once("forget_offer")
    with pytest.raises(Unavailable):
        await small_house.haven.issuer.advance(issuance.id)
    issued = await small_house.issuance(issuance.id)
    assert (issued.state, small_house.network.issuances[0].forgotten) == (State.ISSUED, False)
    small_house.pass_time(seconds=4)
    await small_house.haven.worker.sweep()
    assert small_house.network.issuances[0].forgotten
    assert (await small_house.issuance(issuance.id)).exchange_id is None


# --- crashes --------------------------------------------------------------------------------


async def test_an_offer_that_was_sent_and_not_noted_is_adopted(house: House) -> None:
    issuance, _ = await offering(house)
    assert issuance.state == State.OFFERING
    await house.haven.issuer.advance(issuance.id)  # too early: somebody may be at it
    assert (await house.issuance(issuance.id)).state == State.OFFERING
    house.pass_time(seconds=21)
    await asyncio.gather(*(house.haven.issuer.advance(issuance.id) for _ in range(3)))
    adopted = await house.issuance(issuance.id)
    assert (adopted.state, house.network.calls[OFFERS]) == (State.OFFERED, 1)
    assert adopted.exchange_id == house.network.issuances[0].issuer_side


async def test_an_offer_that_was_never_sent_is_sent_once(house: House) -> None:
    issuance, _ = await connected(house)
    house.network.fail_once(OFFERS)
    with pytest.raises(Unavailable):
        await house.haven.issuer.advance(issuance.id)
    house.pass_time(seconds=21)
    await asyncio.gather(*(house.haven.issuer.advance(issuance.id) for _ in range(4)))
    assert (await house.issuance(issuance.id)).state == State.OFFERED
    assert len(house.network.issuances) == 1


async def test_many_workers_offer_once(house: House) -> None:
    issuance, _ = await connected(house)
    await asyncio.gather(*(house.haven.issuer.advance(issuance.id) for _ in range(6)))
    assert (await house.issuance(issuance.id)).state == State.OFFERED
    assert len(house.network.issuances) == 1


@pytest.mark.parametrize("call", ["connection_for", "offer_status", "forget_offer"])
@pytest.mark.parametrize("after", [False, True], ids=["not-done", "answer-lost"])
async def test_any_call_may_fail_once(small_house: House, call: str, after: bool) -> None:
    wallet = await small_house.new_wallet()
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    small_house.network.fail_once(call, after=after)
    for _ in range(3):
        with suppress(Unavailable):
            await small_house.haven.issuer.advance(issuance.id)
        for each in small_house.network.issuances:
            if each.state is OfferState.OFFERED:
                await small_house.fakes[1].accept_offer(wallet.token, each.holder_side or "")
    assert (await small_house.issuance(issuance.id)).state == State.ISSUED
    assert len(await small_house.fakes[1].credentials(wallet.token)) == 1


# --- withdrawing ----------------------------------------------------------------------------


async def test_what_was_not_issued_yet_cannot_be_withdrawn(small_house: House) -> None:
    issued = await small_house.issue(await small_house.new_wallet())
    issuance, _ = await in_state_offered(small_house)
    with pytest.raises(Conflict):
        await small_house.haven.issuer.revoke(
            small_house.of("harbour"), [issued.id, issuance.id]
        )
    assert (await small_house.issuance(issued.id)).revoked_at is None
    assert small_house.network.calls["revoke"] == 0


async def test_many_are_withdrawn_across_registries_and_repeating_changes_nothing(
    house: House,
) -> None:
    wallet = await house.new_wallet()
    issued = [await house.issue(wallet) for _ in range(2)]
    for registry in house.network.registries.values():
        registry.issued = max(registry.issued, registry.size if registry.issued else 0)
    issued.append(await house.issue(wallet))
    issued.append(await house.issue(wallet, "harbour", "identity", IDENTITY))
    assert len({each.registry_id for each in issued}) == 3
    ids = [each.id for each in issued]
    first = await house.haven.issuer.revoke(house.of("harbour"), [*ids, ids[0]])
    assert all(each.revoked_at for each in first)
    lists = {r: len(each.lists) for r, each in house.network.registries.items()}
    again = await house.haven.issuer.revoke(house.of("harbour"), ids)
    assert [each.revoked_at for each in again] == [each.revoked_at for each in first[:4]]
    assert {r: len(each.lists) for r, each in house.network.registries.items()} == lists
    assert all(
        each.registry_index
        in house.network.registries[each.registry_id or ""].lists[-1].revoked
        for each in issued
    )


async def test_what_could_not_be_published_is_not_claimed(small_house: House) -> None:
    issued = await small_house.issue(await small_house.new_wallet())
    small_house.network.fail_once("revoke")
    with pytest.raises(Unavailable):
        await small_house.haven.issuer.revoke(small_house.of("harbour"), [issued.id])
    assert (await small_house.issuance(issued.id)).revoked_at is None
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [issued.id])
    assert (await small_house.issuance(issued.id)).revoked_at


async def test_nobody_touches_what_another_organisation_issued(small_house: House) -> None:
    issued = await small_house.issue(await small_house.new_wallet())
    other = small_house.of("fund")
    for refused in (
        small_house.haven.issuer.get(other, issued.id),
        small_house.haven.issuer.cancel(other, issued.id),
        small_house.haven.issuer.revoke(other, [issued.id]),
    ):
        with pytest.raises(NotFound):
            await refused
    assert small_house.network.calls["revoke"] == 0


async def test_a_newer_grant_is_issued_under(small_house: House) -> None:
    old = await small_house.issue(await small_house.new_wallet())
    small_house.pass_time(seconds=2)
    granted = await small_house.haven.accreditation.grant(
        small_house.of("harbour"), "service-eligibility"
    )
    new = await small_house.issue(await small_house.new_wallet())
    assert old.definition_id != new.definition_id == granted.definition_id


async def test_each_organisation_issues_its_own(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet, "fund", "support-entitlement", ENTITLEMENT)
    (held,) = await small_house.fakes[1].credentials(wallet.token)
    assert held.values["currency"] == "USD"
    assert held.definition_id.startswith(small_house.of("fund").did or "-")
