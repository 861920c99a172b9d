"""What arrives for a holder's wallet: into it while it is open, kept for it while it is not.

The rules, in the order of the code:
1. A message for an open wallet that nothing waits for any more goes straight in.
2. Any other message for a wallet that is known is kept, encrypted as it came (held.py), or
   refused if there is no room.
3. When a wallet opens, what waits goes in, one after the other and through ACA-Py's own path.
   What arrives meanwhile queues behind it, so that nothing overtakes.
4. A message is deleted after its handler has ended. If the store was closed under the handler,
   it stays, and comes again with the next opening; `once.py` sees to it that nothing doubles.
5. Whoever closes a store lets the messages that are on their way in and out of it end first.
   What takes too long is kept for the next opening.

Whether a wallet is open and caught up is decided in its turn, and so is keeping: a message is
either kept before the wallet looks for the last time, or finds it caught up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.core.util import SHUTDOWN_EVENT_PATTERN
from acapy_agent.messaging.error import MessageParseError
from acapy_agent.multitenant.base import BaseMultitenantManager
from acapy_agent.transport.error import WireFormatParseError
from acapy_agent.transport.inbound.manager import InboundTransportManager
from acapy_agent.transport.inbound.message import InboundMessage
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.inbound.session import InboundSession
from acapy_agent.transport.outbound.base import QueuedOutboundMessage
from acapy_agent.transport.outbound.manager import OutboundTransportManager
from acapy_agent.transport.wire_format import BaseWireFormat
from acapy_agent.wallet.models.wallet_record import WalletRecord

from agent.plugins.vault.held import Held, Message
from agent.plugins.vault.opened import OpenWallet, Taken, message_profile
from agent.plugins.waiting.board import Board
from agent.webvh.locks import NamedLocks

LOGGER = logging.getLogger(__name__)

# how long a store that closes waits for the messages on their way through it
CLOSING_SECONDS = 5.0
# how long the next message that waited stands behind the one before
HANDLING_SECONDS = 10.0
PURGE_SECONDS = 60 * 60

_LOOK_AGAIN = 0.01
_UNREADABLE = (MessageParseError, WireFormatParseError)
_NOT_PACKED = (QueuedOutboundMessage.STATE_NEW, QueuedOutboundMessage.STATE_ENCODE)

_plain_receive = InboundSession.receive
_plain_enqueue = OutboundTransportManager.enqueue_message


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    InboundSession.receive = _receive
    OutboundTransportManager.enqueue_message = _enqueue


async def _receive(self: InboundSession, payload_enc: str | bytes) -> InboundMessage:
    """As ACA-Py's, once it is known that no wallet of a holder is meant."""
    manager = self._check_relay_context and self.profile.inject_or(BaseMultitenantManager)
    inbox: Inbox | None = getattr(manager, "inbox", None)
    if inbox is not None:
        taken = await inbox.take_in(self, payload_enc)
        if taken is not None:
            return taken
    return await _plain_receive(self, payload_enc)


async def _enqueue(self: OutboundTransportManager, profile: Profile, outbound: Any) -> None:
    """As ACA-Py's; the store remembers where its messages queue to be packed."""
    await _plain_enqueue(self, profile, outbound)
    profile.opened.haven_sends_through = self


type Finding = Callable[[str | bytes, BaseWireFormat], Awaitable[list[WalletRecord]]]


class Inbox:
    """Of all wallets of one agent; `opened` are those that are open, by their id, and `find`
    says for whom a message is."""

    def __init__(
        self, profile: Profile, opened: Mapping[str, OpenWallet], find: Finding
    ) -> None:
        self.held = Held(profile)
        self._profile = profile
        self._opened = opened
        self._find = find
        self._turns = NamedLocks()
        self._catching_up: dict[str, asyncio.Task[None]] = {}
        self._next_purge = 0.0
        profile.inject(EventBus).subscribe(SHUTDOWN_EVENT_PATTERN, self._stop)

    # --- arriving -------------------------------------------------------------------------

    async def take_in(
        self, session: InboundSession, payload: str | bytes
    ) -> InboundMessage | None:
        """Read or keep a message; None if it is for no wallet here, or there is no room."""
        found = await self._find(payload, session.wire_format)
        if len(found) != 1:
            return None
        envelope = payload.encode() if isinstance(payload, str) else payload
        return await self._take_in(str(found[0].wallet_id), session, envelope)

    async def _take_in(
        self, wallet_id: str, session: InboundSession, envelope: bytes
    ) -> InboundMessage | None:
        while True:
            wallet = self._opened.get(wallet_id)
            if wallet is None or not wallet.caught_up:
                if await self._keep(wallet_id, envelope):
                    return _for_later(session)
                wallet = self._opened.get(wallet_id)
                if wallet is None or wallet.closing:
                    LOGGER.info("A message for a locked wallet was refused")
                    return None
            try:
                return await self._pass_in(wallet, session, wallet.begin(envelope))
            except Exception:
                if not wallet.closed:
                    raise
                LOGGER.info("A wallet was locked while a message came in")
                session.profile = self._profile

    async def _keep(self, wallet_id: str, envelope: bytes) -> bool:
        """Keep a message unless it can go in; False if it can, or there is no room."""
        async with self._turns.lock(wallet_id):
            wallet = self._opened.get(wallet_id)
            if wallet is not None and wallet.caught_up:
                return False
            kept = await self.held.keep(wallet_id, envelope)
        if kept:
            LOGGER.info("A message waits for a locked wallet")
        return kept

    async def _pass_in(
        self, wallet: OpenWallet, session: InboundSession, taken: Taken
    ) -> InboundMessage:
        """Through ACA-Py's own path, as for any wallet that is open."""
        try:
            session.profile = message_profile(wallet.profile)
            session._check_relay_context = False
            taken.message = message = await _plain_receive(session, taken.envelope)
        finally:
            taken.read.set()
        return message

    # --- opening --------------------------------------------------------------------------

    def catch_up(self, wallet: OpenWallet) -> None:
        """Begin to take in what waits; once for each wallet that is opened."""
        if wallet.catching_up is None and not (wallet.caught_up or wallet.closing):
            before = self._catching_up.get(wallet.wallet_id)
            coming = self._board.expect(wallet.profile)
            wallet.catching_up = asyncio.create_task(self._catch_up(wallet, before, coming))
            self._catching_up[wallet.wallet_id] = wallet.catching_up

    async def _catch_up(
        self, wallet: OpenWallet, before: asyncio.Task[None] | None, coming: asyncio.Event
    ) -> None:
        name = ""
        try:
            if before is not None:  # of the wallet as it was open before: it is ending
                await asyncio.wait([before])
            while waiting := await self._next(wallet, name):
                for message in waiting:
                    if wallet.closing:
                        return
                    name = message.name
                    if await self._deliver(wallet, message):
                        await self._delete(wallet.wallet_id, name)
        except Exception:
            LOGGER.exception("Messages that wait could not be taken in")
        finally:
            if self._catching_up.get(wallet.wallet_id) is wallet.catching_up:
                del self._catching_up[wallet.wallet_id]
            wallet.catching_up = None
            wallet.caught_up = not wallet.closing
            self._board.came(wallet.profile, coming)

    async def _next(self, wallet: OpenWallet, name: str) -> list[Message]:
        """What waits behind the message of this name; if nothing does, all is caught up."""
        async with self._turns.lock(wallet.wallet_id):
            waiting = await self.held.after(wallet.wallet_id, name)
            wallet.caught_up = not (waiting or wallet.closing)
        return waiting

    async def _deliver(self, wallet: OpenWallet, message: Message) -> bool:
        """Whether a message that waited has been taken in, or never can be."""
        transports = self._profile.inject(InboundTransportManager)
        session = await transports.create_session("waited")
        taken = wallet.begin(message.envelope, waits=True)
        try:
            async with session:
                await self._pass_in(wallet, session, taken)
        except _UNREADABLE:
            LOGGER.info("A message that waited could not be read")
        except Exception:
            LOGGER.exception("A message that waited could not be taken in yet")
            return False
        try:
            await asyncio.wait_for(taken.over(), HANDLING_SECONDS)
        except TimeoutError:
            taken.waits = False  # it is on its way, like one that did not wait
            LOGGER.info("A message that waited takes long")
        return taken.ended or not wallet.closed

    async def _delete(self, wallet_id: str, name: str) -> None:
        async with self._turns.lock(wallet_id):
            await self.held.delete(wallet_id, name)

    # --- closing --------------------------------------------------------------------------

    async def let_finish(self, wallet: OpenWallet) -> None:
        """Nothing more goes in; what is on its way ends, or is kept for the next opening."""
        wallet.closing, wallet.caught_up = True, False
        try:
            late = await wallet.finish(CLOSING_SECONDS)
            await _all_packed(wallet.profile, CLOSING_SECONDS)
        finally:
            wallet.leave()
        for taken in late:
            if not taken.waits:
                await self._put_back(wallet.wallet_id, taken.envelope)
            elif wallet.catching_up is not None:
                wallet.catching_up.cancel()  # it stays, and comes again

    async def _put_back(self, wallet_id: str, envelope: bytes) -> None:
        async with self._turns.lock(wallet_id):
            await self.held.keep(wallet_id, envelope)
            again = self._opened.get(wallet_id)  # opened anew meanwhile
            if again is not None:
                again.caught_up = False
        if again is not None:
            self.catch_up(again)

    async def forget(self, wallet_id: str) -> None:
        """The wallet is gone, and what waits for it with it."""
        async with self._turns.lock(wallet_id):
            await self.held.delete_all(wallet_id)

    async def purge(self) -> None:
        """Remove, now and then, what has waited for too long."""
        if time.monotonic() >= self._next_purge:
            self._next_purge = time.monotonic() + PURGE_SECONDS
            await self.held.purge()

    async def _stop(self, profile: Profile, event: Event) -> None:
        """The agent stops: stores close under whatever is at work in them."""
        for wallet in list(self._opened.values()):
            wallet.leave()

    @property
    def _board(self) -> Board:
        board: Board = self._profile.inject(Board)
        return board


def _for_later(session: InboundSession) -> InboundMessage:
    """What the sender is answered about a message that nobody has read: it was received."""
    receipt = MessageReceipt()
    return InboundMessage("", receipt, session_id=session.session_id)


async def _all_packed(profile: Profile, seconds: float) -> None:
    """Wait until what a wallet sends has been encrypted: for that its store is needed."""
    queue: OutboundTransportManager | None = getattr(
        profile.opened, "haven_sends_through", None
    )
    for _ in range(int(seconds / _LOOK_AGAIN)):
        if queue is None or not _is_packing(queue, profile):
            return
        await asyncio.sleep(_LOOK_AGAIN)


def _is_packing(queue: OutboundTransportManager, profile: Profile) -> bool:
    return any(
        each.profile is not None
        and each.profile.opened is profile.opened
        and each.state in _NOT_PACKED
        for each in (*queue.outbound_new, *queue.outbound_buffer)
    )
