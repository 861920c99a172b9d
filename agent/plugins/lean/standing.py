"""Sessions of Askar that stay open between two uses.

A session of Askar is a place in the pool of a store's connections, not a transaction: what it
reads is always the newest. Opening one and closing it again costs more than reading a record
through it, and ACA-Py opens one for nearly every record. Here a session that is given back
waits for the next who asks for one of the same store and profile.

1. Only plain sessions wait, never transactions.
2. A session in which anything failed or was broken off is closed for good.
3. Of a small pool only a part may wait (sessions.py leaves it out when it deals out turns).
4. A session that nobody wanted for REST_SECONDS is closed, and all are with their store.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aries_askar import AskarError, Session, Store
from aries_askar.bindings import SessionHandle, StoreHandle
from aries_askar.store import OpenSession

from agent.plugins.lean.kept import forget_with

MOST_WAITING = 4
REST_SECONDS = 30.0
_PART_OF_POOL = 5


def may_wait(connections: int) -> int:
    """How many sessions of a pool of so many connections may wait at most."""
    return min(MOST_WAITING, connections // _PART_OF_POOL)


@dataclass(frozen=True, slots=True)
class _Waiting:
    handle: SessionHandle
    profile: str | None
    since: float


@dataclass(slots=True)
class Standing:
    """The sessions of one store that wait, the one that was used last at the end."""

    most: int = may_wait(0)
    closed: bool = False
    waiting: deque[_Waiting] = field(default_factory=deque)
    _rest: asyncio.TimerHandle | None = None

    def take(self, profile: str | None) -> SessionHandle | None:
        """One that waits, if there is one."""
        for one in reversed(self.waiting):
            if one.profile == profile:
                self.waiting.remove(one)
                return one.handle
        return None

    def keep(self, handle: SessionHandle, profile: str | None) -> bool:
        """Let a session wait; False if enough do."""
        if self.closed or len(self.waiting) >= self.most:
            return False
        loop = asyncio.get_running_loop()
        self.waiting.append(_Waiting(handle, profile, loop.time()))
        if self._rest is None:
            self._rest = loop.call_later(REST_SECONDS, self._send_away)
        return True

    def end(self) -> None:
        """The store is being closed, and with it what waits."""
        self.closed = True
        self.waiting.clear()  # Askar closes a session that nobody holds any more
        if self._rest is not None:
            self._rest.cancel()

    def _send_away(self) -> None:
        loop = asyncio.get_running_loop()
        while self.waiting and self.waiting[0].since <= loop.time() - REST_SECONDS:
            self.waiting.popleft()
        self._rest = None
        if self.waiting:
            self._rest = loop.call_at(self.waiting[0].since + REST_SECONDS, self._send_away)


def has_waiting(store: StoreHandle) -> bool:
    """Whether a session can be had at once."""
    return bool(standing_of(store).waiting)


def standing_of(store: StoreHandle) -> Standing:
    """The sessions that wait of the store behind a handle."""
    found: Standing | None = getattr(store, "haven_standing", None)
    if found is None:
        found = store.haven_standing = Standing()
    return found


class StandingSession(Session):
    """A session that waits for the next user when it is closed."""

    def __init__(self, store: StoreHandle, handle: SessionHandle, profile: str | None) -> None:
        super().__init__(store, handle)
        self._handle: SessionHandle | None = handle
        self._profile, self._sound = profile, True

    def give_back(self) -> bool:
        """Let it wait; False if it is to be closed."""
        handle = self._handle
        if self._sound and handle and standing_of(self._store).keep(handle, self._profile):
            self._handle = None
            return True
        return False

    async def close(self) -> None:
        """Give the session back, or close it if it is not as it was."""
        if self.give_back():
            return
        # one that was broken off may still be at work: what broke it off counts more
        with contextlib.nullcontext() if self._sound else contextlib.suppress(AskarError):
            await super().close()


def _watched(own: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(own)
    async def work(self: StandingSession, *args: Any, **kwargs: Any) -> Any:
        try:
            return await own(self, *args, **kwargs)
        except BaseException:
            self._sound = False
            raise

    return work


for _name in (
    *("count", "fetch", "fetch_all", "insert", "replace", "remove", "remove_all"),
    *("insert_key", "fetch_key", "fetch_all_keys", "update_key", "remove_key"),
):
    setattr(StandingSession, _name, _watched(getattr(Session, _name)))

_plain_open, _plain_close = OpenSession._open, Store.close


def install() -> None:
    """Put ours in place of Askar's; doing it twice changes nothing."""
    OpenSession._open = _open
    Store.close = _close


async def _open(self: OpenSession) -> Session:
    if self._is_txn or not self._store or self._session:
        return await _plain_open(self)
    standing = standing_of(self._store)
    handle = standing.take(self._profile) if standing.most else None
    if handle is None:
        handle = (await _plain_open(self)).handle
    return StandingSession(self._store, handle, self._profile)


async def _close(self: Store, *, remove: bool = False) -> bool:
    if self._handle:
        standing_of(self._handle).end()
        forget_with(self._handle)
    return bool(await _plain_close(self, remove=remove))
