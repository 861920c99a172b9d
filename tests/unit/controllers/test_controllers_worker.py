"""The worker: webhooks wake it, the sweep finds what was never announced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from controllers_house import House

from agent.announcements import Announcement, RecordKind
from controllers.issuer.service import State
from controllers.store.models import InboxItem
from controllers.verifier.service import Verdict
from controllers.webhooks.worker import Worker
from core.errors import Unavailable
from core.ports import OfferState

QUIET = {"seconds": 4}


async def accept(house: House, token: object) -> None:
    for each in house.network.issuances:
        if each.state is OfferState.OFFERED:
            await house.fakes[1].accept_offer(token, each.holder_side or "")  # type: ignore[arg-type] # a wallet's token


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async def wait() -> None:
        while not await condition():  # noqa: ASYNC110 # the worker has no event for tests
            await asyncio.sleep(0.05)

    await asyncio.wait_for(wait(), 15)


async def test_webhooks_never_arrive_and_the_sweep_settles_all(house: House) -> None:
    house.announced = False
    worker, wallet = house.haven.worker, await house.new_wallet()
    issuance, *_ = await house.offered()
    await house.connect(issuance, wallet)
    house.pass_time(**QUIET)
    await worker.sweep()
    assert (await house.issuance(issuance.id)).state == State.OFFERED
    await accept(house, wallet.token)
    house.pass_time(**QUIET)
    await worker.sweep()
    assert (await house.issuance(issuance.id)).state == State.ISSUED
    check, _ = await house.check("river", "shelter")
    await house.present(check, wallet)
    house.pass_time(**QUIET)
    await worker.sweep()
    assert (await house.stored_check(check)).verdict == Verdict.ACCEPTED


async def test_one_that_fails_does_not_hold_up_the_others(small_house: House) -> None:
    small_house.announced = False
    wallet = await small_house.new_wallet()
    issuances = [(await small_house.offered())[0] for _ in range(3)]
    for issuance in issuances:
        await small_house.connect(issuance, wallet)
    small_house.network.fail_once("connection_for")
    small_house.pass_time(**QUIET)
    await small_house.haven.worker.sweep()
    states = sorted([(await small_house.issuance(each.id)).state for each in issuances])
    assert states == [State.INVITED, State.OFFERED, State.OFFERED]
    small_house.pass_time(**QUIET)
    await small_house.haven.worker.sweep()
    states = [(await small_house.issuance(each.id)).state for each in issuances]
    assert states == [State.OFFERED] * 3


async def test_one_that_nobody_foresaw_does_not_hold_up_the_others(
    small_house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    small_house.announced = False
    wallet = await small_house.new_wallet()
    issuances = [(await small_house.offered())[0] for _ in range(3)]
    for issuance in issuances:
        await small_house.connect(issuance, wallet)
    advance, broken = small_house.haven.issuer.advance, issuances[0].id

    async def breaks_for_one(issuance_id: str) -> None:
        if issuance_id == broken:
            raise RuntimeError("planted-text-of-an-error")
        await advance(issuance_id)

    monkeypatch.setattr(small_house.haven.issuer, "advance", breaks_for_one)
    small_house.pass_time(**QUIET)
    await small_house.haven.worker.sweep()
    states = [(await small_house.issuance(each.id)).state for each in issuances]
    assert states == [State.INVITED, State.OFFERED, State.OFFERED]
    assert "RuntimeError" in caplog.text
    assert "planted-text-of-an-error" not in caplog.text


async def test_a_running_worker_follows_what_is_announced(house: House) -> None:
    wallet = await house.new_wallet()
    house.haven.worker.start()
    issuance, *_ = await house.offered()
    await house.connect(issuance, wallet)

    async def in_state(state: State) -> bool:
        house.haven.worker.wake()
        return (await house.issuance(issuance.id)).state == state

    await until(lambda: in_state(State.OFFERED))
    await accept(house, wallet.token)
    await until(lambda: in_state(State.ISSUED))
    await house.haven.worker.stop()
    assert len(house.network.issuances) == 1


async def test_what_a_running_worker_hears_of_is_safe_and_handled_at_once(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_house.announced = False
    wallet, worker = await small_house.new_wallet(), small_house.haven.worker
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    invited = await small_house.issuance(issuance.id)
    heard = Announcement(RecordKind.CONNECTION, "record", invited.invitation_id)

    async def nothing_is_due() -> list[InboxItem]:
        return []

    with monkeypatch.context() as patched:
        patched.setattr(small_house.haven.inbox, "due", nothing_is_due)
        worker.start()
        await worker.hear(heard)

        async def offered() -> bool:
            return (await small_house.issuance(issuance.id)).state == State.OFFERED

        await until(offered)
        await until(lambda: _none_at_once(worker))
        await worker.stop()
    small_house.pass_time(minutes=1)
    assert await small_house.haven.inbox.due() == []


async def test_what_was_heard_of_and_broke_off_is_due_again(
    small_house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker, inbox = small_house.haven.worker, small_house.haven.inbox

    async def breaks(_item: InboxItem) -> None:
        raise RuntimeError("planted-text-of-an-error")

    monkeypatch.setattr(inbox, "handled", breaks)
    worker.start()
    await worker.hear(Announcement(RecordKind.ISSUANCE, "nobody-knows-it"))
    await until(lambda: _none_at_once(worker))
    await worker.stop()
    assert "planted-text-of-an-error" not in caplog.text
    assert await inbox.due() == []
    small_house.pass_time(seconds=31)
    assert len(await inbox.due()) == 1


async def test_what_there_is_no_room_for_waits_in_the_inbox(small_house: House) -> None:
    worker, inbox = small_house.haven.worker, small_house.haven.inbox
    await worker.hear(Announcement(RecordKind.ISSUANCE, "before-the-start"))
    assert [item.record_id for item in await inbox.due()] == ["before-the-start"]
    worker._tasks = [asyncio.create_task(asyncio.sleep(30))]
    for _ in range(16):
        await worker._slots.acquire()
    await worker.hear(Announcement(RecordKind.ISSUANCE, "too-much-at-once"))
    assert [item.record_id for item in await inbox.due()] == ["too-much-at-once"]
    await worker.stop()


async def _none_at_once(worker: Worker) -> bool:
    return not worker._at_once


async def test_an_agent_that_is_away_for_a_while_is_asked_again(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    for _ in range(2):
        small_house.network.fail_once("connection_for")
    small_house.haven.worker.start()

    async def offered() -> bool:
        small_house.haven.worker.wake()
        return (await small_house.issuance(issuance.id)).state == State.OFFERED

    await until(offered)
    await small_house.haven.worker.stop()
    assert small_house.network.calls["connection_for"] >= 3


async def test_the_worker_outlives_what_nobody_foresaw(
    small_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    calls = []

    async def breaks() -> None:
        calls.append(1)
        await asyncio.sleep(0.01)
        raise RuntimeError("planted-text-of-an-error")

    small_house.haven.worker._handle_due = breaks  # type: ignore[method-assign] # what nobody foresaw
    small_house.haven.worker.start()
    await until(lambda: _many(calls))
    await small_house.haven.worker.stop()
    assert "RuntimeError" in caplog.text
    assert "planted-text-of-an-error" not in caplog.text


async def _many(calls: list[int]) -> bool:
    return len(calls) >= 2


async def test_a_purge_removes_what_every_service_is_done_with(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    check, _ = await small_house.check("river", "shelter")
    assert await small_house.accepted(check, wallet)
    small_house.pass_time(days=2)
    await small_house.haven.worker.purge()
    rows = await small_house.raw_rows()
    assert wallet.wallet_id not in rows
    assert (await small_house.stored_check(check)).sealed_disclosed is None


async def test_a_wallet_agent_that_is_away_keeps_nothing_else_from_being_removed(
    small_house: House,
) -> None:
    small_house.pass_time(days=2)
    last = []

    async def remember() -> None:
        last.append(True)

    worker = small_house.haven.worker
    worker._purges = [*worker._purges, remember]
    small_house.network.fail_once("close_idle")
    with pytest.raises(Unavailable):
        await worker.purge()
    assert last == [True]
