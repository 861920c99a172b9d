"""Messages for locked wallets: where they wait, how they come in, what a race does to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL, AnonCredsHolder
from acapy_agent.askar.profile_anon import AskarAnonCredsProfile, AskarAnonProfileManager
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.util import SHUTDOWN_EVENT_TOPIC
from acapy_agent.protocols.issue_credential.v2_0.manager import (
    V20CredManager,
    V20CredManagerError,
)
from acapy_agent.storage.error import StorageNotFoundError
from acapy_agent.transport.error import WireFormatParseError
from acapy_agent.transport.inbound.manager import InboundTransportManager
from acapy_agent.transport.inbound.message import InboundMessage
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.inbound.session import InboundSession
from acapy_agent.transport.outbound.manager import OutboundTransportManager
from acapy_agent.wallet.models.wallet_record import WalletRecord
from aries_askar import Store

from agent.plugins.vault import held, inbox, once
from agent.plugins.vault.held import CATEGORY, Held
from agent.plugins.vault.inbox import Inbox
from agent.plugins.vault.opened import OpenWallet
from agent.plugins.waiting.board import Board
from tests.support.waiting import until

HERS, OTHERS, NOBODYS = "wallet-1", "wallet-2", "wallet-3"


class Session:
    """A session of a transport, and what goes through it."""

    def __init__(self) -> None:
        self.session_id, self.wire_format, self.profile = "session", None, None

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *error: object) -> None:
        return


class Transports(InboundTransportManager):
    def __init__(self) -> None:
        """Needs nothing."""

    async def create_session(self, kind: str) -> Session:
        return Session()


class Reading:
    """ACA-Py's path of a message: what goes into which store, and when its handler ends."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.messages: list[InboundMessage] = []
        self.at_once = True
        self.error: dict[str, Exception] = {}

    async def receive(self, session: Session, envelope: bytes) -> InboundMessage:
        await asyncio.sleep(0)
        name = envelope.decode()
        if name in self.error:
            raise self.error[name]
        self.read.append(name)
        message = InboundMessage(name, MessageReceipt())
        self.messages.append(message)
        if self.at_once:
            asyncio.get_running_loop().call_later(0.002, message.dispatch_processing_complete)
        return message

    def end(self) -> None:
        """Every handler that is at work ends."""
        for each in self.messages:
            each.dispatch_processing_complete()


@pytest.fixture
async def profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskarAnonCredsProfile]:
    """The agent's own store, with two wallets in it."""
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    config = {"name": "base", "key": Store.generate_raw_key(), "key_derivation_method": "RAW"}
    context = InjectionContext(settings={"ledger.disabled": True})
    context.injector.bind_instance(EventBus, EventBus())
    context.injector.bind_instance(Board, Board())
    context.injector.bind_instance(InboundTransportManager, Transports())
    opened = await AskarAnonProfileManager().provision(context, config)
    async with opened.session() as session:
        for wallet_id in (HERS, OTHERS):
            await session.handle.insert(
                WalletRecord.RECORD_TYPE,
                wallet_id,
                value_json={"key_management_mode": "unmanaged", "settings": {}},
            )
    yield opened
    await opened.close()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    reading = Reading()
    monkeypatch.setattr(inbox, "_plain_receive", reading.receive)
    monkeypatch.setattr(inbox, "message_profile", lambda profile: profile)
    monkeypatch.setattr(inbox, "CLOSING_SECONDS", 0.05)
    return reading


class House:
    """An inbox, and the wallets that are open."""

    def __init__(self, profile: AskarAnonCredsProfile) -> None:
        self.opened: dict[str, OpenWallet] = {}
        self.profile = profile
        self.to: list[str] = [HERS]
        self.inbox = Inbox(profile, self.opened, self.find)

    async def find(self, payload: str | bytes, wire_format: object) -> list[WalletRecord]:
        return [WalletRecord(wallet_id=each) for each in self.to]

    async def arrives(self, envelope: str | bytes) -> InboundMessage | None:
        return await self.inbox.take_in(Session(), envelope)

    def open(self) -> OpenWallet:
        store = SimpleNamespace(opened=SimpleNamespace(), settings={"wallet.id": HERS})
        wallet = self.opened.setdefault(HERS, OpenWallet(HERS, store, b"", b""))
        self.inbox.catch_up(wallet)
        return wallet

    async def close(self) -> None:
        await self.inbox.let_finish(self.opened.pop(HERS))

    async def waiting(self) -> list[bytes]:
        return [each.envelope for each in await self.inbox.held.after(HERS, "")]

    async def caught_up(self) -> None:
        """Returns when nothing waits any more."""
        await until(self._is_caught_up)

    async def _is_caught_up(self) -> bool:
        return self.opened[HERS].caught_up


@pytest.fixture
async def house(profile: AskarAnonCredsProfile, reading: Reading) -> House:
    return House(profile)


# --- where they wait --------------------------------------------------------------------------


async def test_they_wait_as_they_came_and_in_order(profile: AskarAnonCredsProfile) -> None:
    kept = Held(profile)
    for number in range(5):
        assert await kept.keep(HERS, b"envelope %d" % number)
    assert await kept.keep(OTHERS, b"of another")
    found = await kept.after(HERS, "")
    assert [each.envelope for each in found] == [b"envelope %d" % n for n in range(5)]
    assert [each.envelope for each in await kept.after(HERS, found[3].name)] == [b"envelope 4"]
    await kept.delete(HERS, found[0].name)
    await kept.delete(HERS, found[0].name)
    assert len(await kept.after(HERS, "")) == 4
    await kept.delete_all(HERS)
    assert await kept.after(HERS, "") == []
    assert len(await kept.after(OTHERS, "")) == 1


async def test_the_order_holds_after_a_restart_and_among_several_wallets(
    profile: AskarAnonCredsProfile,
) -> None:
    await Held(profile).keep(OTHERS, b"-")
    for name in (b"first", b"second", b"third"):
        await Held(profile).keep(HERS, name)
    kept = Held(profile)
    await kept.keep(HERS, b"fourth")
    await kept.after(OTHERS, "")
    await kept.keep(HERS, b"fifth")
    found = await kept.after(HERS, "")
    assert [each.envelope for each in found] == [
        b"first", b"second", b"third", b"fourth", b"fifth",
    ]  # fmt: skip
    assert all(int(each.name.partition("-")[0]) < 100 for each in found), "no time"


async def test_so_many_wait_and_no_more(
    profile: AskarAnonCredsProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "MOST_MESSAGES", 3)
    kept = Held(profile)
    assert [await kept.keep(HERS, b"-") for _ in range(4)] == [True, True, True, False]
    assert not await Held(profile).keep(HERS, b"-"), "also after a restart"
    assert await kept.keep(OTHERS, b"-"), "each wallet has room of its own"
    (first, *_) = await kept.after(HERS, "")
    await kept.delete(HERS, first.name)
    assert await kept.keep(HERS, b"-")


async def test_so_much_waits_and_no_more(profile: AskarAnonCredsProfile) -> None:
    kept, large = Held(profile), bytes(held.LARGEST_BYTES)
    assert not await kept.keep(HERS, large + b"-")
    fitting = held.MOST_BYTES // held.LARGEST_BYTES
    assert [await kept.keep(HERS, large) for _ in range(fitting)] == [True] * fitting
    assert not await kept.keep(HERS, b"-")
    assert (held.MOST_MESSAGES, held.KEPT_DAYS) == (100, 30)


async def test_nothing_waits_for_a_wallet_that_is_not_there(
    profile: AskarAnonCredsProfile,
) -> None:
    assert not await Held(profile).keep(NOBODYS, b"-")


async def test_what_waited_for_too_long_is_removed(
    profile: AskarAnonCredsProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, today = Held(profile), held._today()
    for days in (held.KEPT_DAYS + 1, held.KEPT_DAYS, 0):
        monkeypatch.setattr(held, "_today", lambda days=days: today - days)
        await kept.keep(HERS, str(days).encode())
    await kept.keep(OTHERS, b"another")
    await kept.purge()
    assert [each.envelope for each in await kept.after(HERS, "")] == [b"30", b"0"]
    assert len(await kept.after(OTHERS, "")) == 1


async def test_it_is_looked_for_now_and_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged: list[datetime] = []

    async def purge() -> None:
        purged.append(datetime.now(UTC))

    monkeypatch.setattr(house.inbox.held, "purge", purge)
    for _ in range(3):
        await house.inbox.purge()
    assert len(purged) == 1


# --- coming in --------------------------------------------------------------------------------


async def test_what_comes_for_a_locked_wallet_waits_unread(
    house: House, reading: Reading
) -> None:
    for envelope in (b"bytes", "text"):
        answered = await house.arrives(envelope)
        assert answered is not None
        assert not answered.receipt.direct_response_requested
    assert reading.read == []
    assert await house.waiting() == [b"bytes", b"text"]
    house.open()
    await house.caught_up()
    assert reading.read == ["bytes", "text"]
    assert await house.waiting() == []
    await house.arrives("straight in")
    assert reading.read[-1] == "straight in"
    assert await house.waiting() == []


@pytest.mark.parametrize("to", [[], [HERS, OTHERS], [NOBODYS]])
async def test_what_is_for_nobody_is_not_kept(house: House, to: list[str]) -> None:
    house.to = to
    assert await house.arrives("-") is None
    async with house.profile.session() as session:
        assert await session.handle.count(CATEGORY) == 0


async def test_what_has_no_room_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, reading: Reading
) -> None:
    monkeypatch.setattr(held, "MOST_MESSAGES", 1)
    assert await house.arrives("first")
    assert await house.arrives("second") is None
    reading.at_once = False
    house.open()
    await until(lambda: _now(reading.read))
    assert await house.arrives("third") is not None, "the wallet is open"
    assert reading.read == ["first", "third"]
    reading.end()
    await house.caught_up()


async def _now[T](value: T) -> T:
    return value


async def test_nothing_overtakes_what_waits(house: House, reading: Reading) -> None:
    reading.at_once = False
    await house.arrives("first")
    house.open()
    await until(lambda: _now(reading.read))
    await house.arrives("second")
    assert reading.read == ["first"]
    reading.at_once = True
    reading.end()
    await house.caught_up()
    assert reading.read == ["first", "second"]


async def test_what_arrives_while_the_wallet_opens_is_not_left_behind(
    house: House, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, keep = asyncio.Event(), house.inbox.held.keep

    async def keep_slowly(wallet_id: str, envelope: bytes) -> bool:
        await slow.wait()
        return await keep(wallet_id, envelope)

    monkeypatch.setattr(house.inbox.held, "keep", keep_slowly)
    arriving = asyncio.create_task(house.arrives("on its way"))
    await asyncio.sleep(0.01)
    house.open()
    await asyncio.sleep(0.05)
    slow.set()
    await arriving
    await house.caught_up()
    assert reading.read == ["on its way"]
    assert await house.waiting() == []


async def test_two_openings_take_it_in_once(house: House, reading: Reading) -> None:
    reading.at_once = False
    await house.arrives("once")
    assert house.open() is house.open()
    await until(lambda: _now(reading.read))
    house.open()
    reading.end()
    await house.caught_up()
    assert reading.read == ["once"]


async def test_however_opening_closing_and_arriving_meet_each_comes_in_once(
    house: House, reading: Reading
) -> None:
    names = [f"{number:02d}" for number in range(40)]

    async def arriving() -> None:
        for name in names:
            await house.arrives(name)
            await asyncio.sleep(0.001)

    sending = asyncio.create_task(arriving())
    while not sending.done():
        house.open()
        await asyncio.sleep(0.004)
        await house.close()
    await sending
    house.open()
    await house.caught_up()
    assert sorted(reading.read) == names
    assert reading.read == names
    assert await house.waiting() == []


async def test_what_cannot_be_read_goes_and_what_fails_stays(
    house: House, reading: Reading
) -> None:
    reading.error = {
        "rubbish": WireFormatParseError("-"),
        "failing": TimeoutError("the store is busy"),
    }
    for name in ("rubbish", "failing", "good"):
        await house.arrives(name)
    house.open()
    await house.caught_up()
    assert reading.read == ["good"]
    assert await house.waiting() == [b"failing"]
    await house.close()
    reading.error = {}
    house.open()
    await house.caught_up()
    assert reading.read == ["good", "failing"]


async def test_a_store_that_fails_leaves_what_waits(
    house: House, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.arrives("patient")

    async def broken(*_: object) -> list[Any]:
        raise OSError("-")

    with monkeypatch.context() as patched:
        patched.setattr(house.inbox.held, "after", broken)
        house.open()
        await house.caught_up()
    await house.close()
    house.open()
    await house.caught_up()
    assert reading.read == ["patient"]


async def test_a_message_that_hangs_holds_up_the_next_for_a_while_only(
    house: House, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "HANDLING_SECONDS", 0.02)
    reading.at_once = False
    for name in ("hangs", "goes"):
        await house.arrives(name)
    house.open()
    await house.caught_up()
    assert reading.read == ["hangs", "goes"]
    assert await house.waiting() == []
    await house.close()
    assert await house.waiting() == [b"hangs", b"goes"], "until the wallet is locked"


# --- locking ----------------------------------------------------------------------------------


async def test_locking_lets_end_what_is_on_its_way(house: House, reading: Reading) -> None:
    house.open()
    await house.caught_up()
    await house.arrives("quick")
    await house.close()
    assert reading.messages[0].processing_complete_event.is_set()
    assert await house.waiting() == []


async def test_what_takes_too_long_comes_again(house: House, reading: Reading) -> None:
    reading.at_once = False
    house.open()
    await house.caught_up()
    await house.arrives("slow")
    await house.close()
    assert await house.waiting() == [b"slow"]
    reading.at_once = True
    house.open()
    await house.caught_up()
    assert reading.read == ["slow", "slow"]
    assert await house.waiting() == []


async def test_locked_in_the_middle_the_rest_waits(house: House, reading: Reading) -> None:
    reading.at_once = False
    for name in ("first", "second"):
        await house.arrives(name)
    house.open()
    await until(lambda: _now(reading.read))
    await house.close()
    assert await house.waiting() == [b"first", b"second"]
    reading.at_once = True
    house.open()
    await house.caught_up()
    assert reading.read == ["first", "first", "second"]


async def test_opened_again_while_it_is_closing_nothing_comes_twice(
    house: House, reading: Reading
) -> None:
    reading.at_once = False
    await house.arrives("once")
    house.open()
    await until(lambda: _now(reading.read))
    closing = asyncio.create_task(house.close())
    await asyncio.sleep(0.01)
    house.open()
    await asyncio.sleep(0.01)
    reading.end()
    await closing
    await house.caught_up()
    assert reading.read == ["once"]
    assert await house.waiting() == []


async def test_put_back_into_a_wallet_that_is_open_again_it_comes_in(
    house: House, reading: Reading
) -> None:
    reading.at_once = False
    house.open()
    await house.caught_up()
    await house.arrives("slow")
    closing = asyncio.create_task(house.close())
    await asyncio.sleep(0.01)
    reading.at_once = True
    house.open()
    await house.caught_up()
    await closing
    await until(lambda: _now(len(reading.read) == 2))
    await house.caught_up()
    assert await house.waiting() == []


async def test_a_store_that_closed_under_a_message_gives_it_back(
    house: House, reading: Reading
) -> None:
    house.open()
    await house.caught_up()
    reading.error = {"late": OSError("the store is closed")}
    arriving = asyncio.create_task(house.arrives("late"))
    await asyncio.sleep(0)
    house.opened.pop(HERS).leave()
    assert await arriving is not None
    assert await house.waiting() == [b"late"]


async def test_what_fails_in_an_open_wallet_fails_as_ever(
    house: House, reading: Reading
) -> None:
    house.open()
    await house.caught_up()
    reading.error = {"wrong": ValueError("-")}
    with pytest.raises(ValueError, match="-"):
        await house.arrives("wrong")
    assert await house.waiting() == []


async def test_an_agent_that_stops_deletes_nothing_that_may_have_failed(
    house: House, reading: Reading
) -> None:
    reading.at_once = False
    await house.arrives("stopped")
    wallet = house.open()
    await until(lambda: _now(reading.read))
    await house.profile.notify(SHUTDOWN_EVENT_TOPIC, {})
    await until(lambda: _now(wallet.closed))
    reading.end()
    await asyncio.sleep(0.02)
    assert await house.arrives("while it stops")
    assert await house.waiting() == [b"stopped", b"while it stops"]


async def test_what_waits_for_a_wallet_goes_with_it(house: House) -> None:
    await house.arrives("-")
    await house.inbox.forget(HERS)
    assert await house.waiting() == []


async def test_a_store_stays_open_until_its_answers_are_packed(house: House) -> None:
    wallet = house.open()
    await house.caught_up()
    queued = SimpleNamespace(profile=wallet.profile, state="new")
    other = SimpleNamespace(profile=None, state="new")  # a webhook
    wallet.profile.opened.haven_sends_through = SimpleNamespace(
        outbound_new=[other], outbound_buffer=[queued]
    )
    closing = asyncio.create_task(house.close())
    await asyncio.sleep(0.02)
    assert not closing.done()
    queued.state = "pending"
    await closing


# --- ACA-Py's own places ----------------------------------------------------------------------


async def test_only_a_message_for_a_holder_s_wallet_is_taken_over(
    house: House, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name in (
        (InboundSession, "receive"),
        (OutboundTransportManager, "enqueue_message"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    inbox.install()
    inbox.install()
    assert InboundSession.receive is inbox._receive

    def session(manager: object, *, first: bool = True) -> SimpleNamespace:
        return SimpleNamespace(
            _check_relay_context=first,
            profile=SimpleNamespace(inject_or=lambda _: manager),
            session_id="-",
            wire_format=None,
        )

    ours = SimpleNamespace(inbox=house.inbox)
    await InboundSession.receive(session(ours), b"ours")
    assert await house.waiting() == [b"ours"]
    house.to = []
    await InboundSession.receive(session(ours), b"nobody's")
    await InboundSession.receive(session(SimpleNamespace()), b"of another manager")
    await InboundSession.receive(session(ours, first=False), b"the second of a session")
    assert reading.read == ["nobody's", "of another manager", "the second of a session"]


async def test_whoever_asks_for_offers_gets_those_that_waited() -> None:
    board, profile = Board(), SimpleNamespace(settings={"wallet.id": HERS})
    await board.all_came(profile, 5)
    first, second = board.expect(profile), board.expect(profile)
    asking = asyncio.create_task(board.all_came(profile, 5))
    board.came(profile, first)
    await asyncio.sleep(0.01)
    assert not asking.done()
    board.came(profile, second)
    await asking
    board.expect(profile)
    await board.all_came(profile, 0.01)


# --- once -------------------------------------------------------------------------------------


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches ACA-Py's own steps."""
    reached: list[str] = []

    def step(name: str) -> Callable[..., Any]:
        async def plain(*_: object, **__: object) -> str:
            reached.append(name)
            return name

        return plain

    for name in ("_plain_offer", "_plain_credential", "_plain_store", "_plain_keep"):
        monkeypatch.setattr(once, name, step(name))
    return reached


@pytest.mark.parametrize(
    ("state", "offer", "credential"),
    [(None, True, True), ("request-sent", False, True), ("done", False, False)],
)
async def test_an_offer_and_a_credential_count_once(
    plain: list[str],
    monkeypatch: pytest.MonkeyPatch,
    state: str | None,
    offer: bool,
    credential: bool,
) -> None:
    async def exchange(*_: object, **__: object) -> SimpleNamespace:
        if state is None:
            raise StorageNotFoundError
        return SimpleNamespace(state=state)

    monkeypatch.setattr(once.V20CredExRecord, "retrieve_by_conn_and_thread", exchange)
    manager, message = V20CredManager(_Sessions()), SimpleNamespace(_thread_id="thread")
    for receive, passes in (
        (once._receive_offer, offer),
        (once._receive_credential, credential),
    ):
        if passes:
            await receive(manager, message, "connection")
        else:
            with pytest.raises(V20CredManagerError):
                await receive(manager, message, "connection")
    assert len(plain) == offer + credential


class _Sessions:
    """A profile whose sessions are never used."""

    def session(self) -> Session:
        return Session()


async def test_what_was_stored_before_the_agent_fell_is_not_stored_again(
    profile: AskarAnonCredsProfile, plain: list[str]
) -> None:
    holder = AnonCredsHolder(profile)
    await once._keep(holder, {}, {}, {}, None, credential_id="exchange")
    assert plain == ["_plain_keep"]
    async with profile.session() as session:
        await session.handle.insert(CATEGORY_CREDENTIAL, "exchange", value="{}")
    assert await once._keep(holder, {}, {}, {}, None, credential_id="exchange") == "exchange"
    await once._keep(holder, {}, {}, {})
    assert plain == ["_plain_keep"] * 2


async def test_a_credential_is_called_as_its_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []

    async def store(*given: object) -> None:
        called.append(given[2])

    monkeypatch.setattr(once, "_plain_store", store)
    record = SimpleNamespace(cred_ex_id="exchange")
    await once._store_credential(SimpleNamespace(), record)
    await once._store_credential(SimpleNamespace(), record, "chosen")
    assert called == ["exchange", "chosen"]
