"""Who waits for a change in which wallet."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile

_CHANGES = re.compile("^acapy::record::(connections|issue_credential_v2_0|present_proof_v2_0)")
# another process of the same agent may have made the change: it tells us nothing
_LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    change: asyncio.Event
    states: frozenset[str]


class Board:
    """Wakes those who wait whenever a record of their wallet changes its state."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[_Waiting]] = defaultdict(set)
        self._expected: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def listen(self, bus: EventBus) -> None:
        """Hear of every change."""
        bus.subscribe(_CHANGES, self._changed)

    async def until[Found](
        self,
        profile: Profile,
        look: Callable[[], Awaitable[Found | None]],
        seconds: float,
        states: frozenset[str] = frozenset(),
    ) -> Found | None:
        """What `look` finds, as soon as it finds something; None when `seconds` are over.

        It looks again when a record comes into one of `states`; without any, whenever one
        changes.
        """
        deadline, one = time.monotonic() + seconds, _Waiting(asyncio.Event(), states)
        waiting = self._waiting[_wallet(profile)]
        waiting.add(one)
        try:
            while True:
                one.change.clear()
                found, left = await look(), deadline - time.monotonic()
                if found is not None or left <= 0:
                    return found
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(one.change.wait(), min(left, _LOOK_AGAIN))
        finally:
            waiting.discard(one)
            if not waiting:
                self._waiting.pop(_wallet(profile), None)

    def expect(self, profile: Profile) -> asyncio.Event:
        """Messages that waited for this wallet are being taken in, until `came` is told so."""
        coming = asyncio.Event()
        self._expected[_wallet(profile)].add(coming)
        return coming

    def came(self, profile: Profile, coming: asyncio.Event) -> None:
        """They are taken in."""
        coming.set()
        expected = self._expected[_wallet(profile)]
        expected.discard(coming)
        if not expected:
            del self._expected[_wallet(profile)]

    async def all_came(self, profile: Profile, seconds: float) -> None:
        """Returns when nothing is expected for this wallet any more, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for coming in tuple(self._expected.get(_wallet(profile), ())):
                    await coming.wait()

    async def _changed(self, profile: Profile, event: Event) -> None:
        state = event.payload.get("state")
        for one in self._waiting.get(_wallet(profile), ()):
            if not one.states or state in one.states:
                one.change.set()


def _wallet(profile: Profile) -> str:
    return str(profile.settings.get("wallet.id") or profile.name)
