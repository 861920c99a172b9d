"""As many sessions on a store as are asked for at once, and none that waits forever.

Askar gives a SQLite store as many connections as the machine has cores, and ACA-Py opens
sessions within sessions. With two cores, two requests that each hold one and want a second
wait for each other until the pool gives up: of forty issuances eight at once, none arrived.

1. A SQLite store gets POOL connections; they are opened when needed.
2. Only so many tasks hold sessions on a store at a time that each of them can have the further
   ones it needs (nested DEPTH deep); the others wait for their turn, in order.
3. A session that is given back waits for the next user (standing.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from weakref import ref

from acapy_agent.askar.profile_anon import AskarAnonCredsProfileSession
from acapy_agent.askar.store import AskarOpenStore, AskarStoreConfig
from acapy_agent.config.provider import ClassProvider
from acapy_agent.core.error import ProfileError
from acapy_agent.storage.askar import AskarStorage
from acapy_agent.storage.base import BaseStorage
from acapy_agent.wallet.askar import AskarWallet
from acapy_agent.wallet.base import BaseWallet
from aries_askar import AskarError

from agent.plugins.lean.standing import StandingSession, has_waiting, may_wait, standing_of

POOL, DEPTH, MOST_AT_ONCE = 64, 3, 16
_TURN_SECONDS = 60.0
_OPEN_SECONDS = 10.0  # as ACA-Py


@dataclass
class _Holding:
    """How many sessions a task, with what it started meanwhile, holds now."""

    sessions: int = 0


_holding: ContextVar[_Holding] = ContextVar("holding")


def install() -> None:
    """Replace ACA-Py's store addresses, and the sessions that are used in `async with`."""
    AskarStoreConfig._build_sqlite_uri = _with_pool(AskarStoreConfig._build_sqlite_uri)
    AskarAnonCredsProfileSession.__aenter__ = _enter
    AskarAnonCredsProfileSession.__aexit__ = _leave
    AskarAnonCredsProfileSession.__del__ = _collected
    AskarAnonCredsProfileSession._setup = _setup


def at_once(connections: int) -> int:
    """How many tasks may hold sessions, so that one of them can always go on."""
    left = connections - may_wait(connections)
    return max(1, min(MOST_AT_ONCE, (left - 1) // (DEPTH - 1)))


def _with_pool(build: Any) -> Any:
    if getattr(build, "has_pool", False):
        return build

    def build_with_pool(self: AskarStoreConfig, in_memory: bool | None, create: bool) -> str:
        uri = str(build(self, in_memory, create))
        return uri if in_memory else f"{uri}?{urlencode({'max_connections': POOL})}"

    build_with_pool.has_pool = True  # type: ignore[attr-defined] # installed once
    return build_with_pool


_plain_enter = AskarAnonCredsProfileSession.__aenter__
_plain_leave = AskarAnonCredsProfileSession.__aexit__


async def _enter(self: AskarAnonCredsProfileSession) -> AskarAnonCredsProfileSession:
    if self._entered or self._active:
        return await _plain_enter(self)
    holding = _holding.get(None)
    turn = None
    if holding is None or holding.sessions == 0:
        # nobody who waits here holds anything that another one waits for
        turn = await _wait_for_turn(self._profile.opened)
        holding = _Holding()
        _holding.set(holding)
    holding.sessions += 1
    self._haven_turn = (holding, turn)
    try:
        return await _plain_enter(self)
    except BaseException:
        _give_back(self)
        raise


async def _leave(self: AskarAnonCredsProfileSession, *error: object) -> None:
    try:
        await _plain_leave(self, *error)
    finally:
        if not self._entered:
            _give_back(self)


async def _setup(self: AskarAnonCredsProfileSession) -> None:
    """As ACA-Py's; without a timer where a session is at hand, nor looking up classes."""
    opener = self._opener
    try:
        if not opener.is_transaction and has_waiting(self._profile.store.handle):
            self._handle = await opener
        else:
            self._handle = await asyncio.wait_for(opener, _OPEN_SECONDS)
    except AskarError as err:
        raise ProfileError("Error opening store session") from err
    self._opener = None
    injector = self._context.injector
    injector.bind_provider(BaseWallet, ClassProvider(AskarWallet, ref(self)))
    injector.bind_provider(BaseStorage, ClassProvider(AskarStorage, ref(self)))


def _collected(self: AskarAnonCredsProfileSession) -> None:
    """ACA-Py leaves some sessions to the garbage collector: they are as good as others."""
    handle = self.__dict__.get("_handle")
    if isinstance(handle, StandingSession):
        with contextlib.suppress(RuntimeError):  # no loop: the process ends
            handle.give_back()


def _give_back(session: AskarAnonCredsProfileSession) -> None:
    holding, turn = session.__dict__.pop("_haven_turn", (None, None))
    if holding is not None:
        holding.sessions -= 1
    if turn is not None:
        turn.release()


async def _wait_for_turn(opened: AskarOpenStore) -> asyncio.Semaphore:
    turn = turns_of(opened)
    if not turn.locked():  # the usual case, without a timer
        await turn.acquire()
        return turn
    try:
        await asyncio.wait_for(turn.acquire(), _TURN_SECONDS)
    except TimeoutError as err:
        raise ProfileError("No session of the store became free") from err
    return turn


def turns_of(opened: AskarOpenStore) -> asyncio.Semaphore:
    """The turns of a store, which end with it."""
    found: asyncio.Semaphore | None = getattr(opened, "haven_turns", None)
    if found is None:
        connections = _connections(opened.config)
        standing_of(opened.store.handle).most = may_wait(connections)
        found = opened.haven_turns = asyncio.Semaphore(at_once(connections))
    return found


def _connections(config: AskarStoreConfig) -> int:
    if config.storage_type == "sqlite":
        return POOL
    return int(json.loads(config.storage_config or "{}").get("max_connections", 10))
