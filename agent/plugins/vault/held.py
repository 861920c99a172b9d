"""Messages for locked wallets, as they arrived: encrypted to keys that are not here.

They rest in the agent's own store, which survives `kill -9`, under a category of their own.
Beside the envelope stand its wallet and the day it came, as tags that Askar encrypts.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from acapy_agent.core.profile import Profile
from acapy_agent.storage.error import StorageNotFoundError
from acapy_agent.wallet.models.wallet_record import WalletRecord
from aries_askar import AskarError, AskarErrorCode, Entry, Session

from agent.plugins.lean.kept import Kept

CATEGORY = "haven-held"
# for each wallet; what goes beyond is refused
MOST_MESSAGES = 100
MOST_BYTES = 2 * 1024 * 1024
LARGEST_BYTES = 256 * 1024
KEPT_DAYS = 30

_DAY_SECONDS = 24 * 60 * 60
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """One that waits; names grow in the order of arrival."""

    name: str
    envelope: bytes


@dataclass(slots=True)
class _Sum:
    """What a wallet has waiting."""

    messages: int
    size: int

    def has_room(self, size: int) -> bool:
        return self.messages < MOST_MESSAGES and self.size + size <= MOST_BYTES


class Held:
    """Of one agent. Whoever calls for a wallet holds the turn of that wallet."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._sums: Kept[str, _Sum] = Kept(_REMEMBERED)
        self._last = 0  # the greatest number that was given or seen; no time, which would tell

    async def keep(self, wallet_id: str, envelope: bytes) -> bool:
        """Keep a message; False if there is no such wallet, or no room."""
        if len(envelope) > LARGEST_BYTES:
            return False
        async with self._profile.session() as session:
            try:  # not a record that was remembered: a destroyed wallet gets nothing
                await WalletRecord.retrieve_by_id(session, wallet_id)
            except StorageNotFoundError:
                return False
            waiting = self._sums.get(wallet_id)
            if waiting is None:
                waiting = self._sums.keep(
                    wallet_id, _sum(await self._all(session.handle, wallet_id))
                )
            if not waiting.has_room(len(envelope)):
                return False
            tags = {"wallet": wallet_id, "day": str(_today())}
            await session.handle.insert(CATEGORY, self._next_name(), envelope, tags)
        waiting.messages += 1
        waiting.size += len(envelope)
        return True

    async def after(self, wallet_id: str, name: str) -> list[Message]:
        """What waits and came after the one of this name, in order."""
        async with self._profile.session() as session:
            found = await self._all(session.handle, wallet_id)
        later = [Message(each.name, each.value) for each in found if each.name > name]
        return sorted(later, key=lambda each: each.name)

    async def delete(self, wallet_id: str, name: str) -> None:
        """One was taken in."""
        self._sums.pop(wallet_id, None)
        async with self._profile.session() as session:
            try:
                await session.handle.remove(CATEGORY, name)
            except AskarError as err:
                if err.code != AskarErrorCode.NOT_FOUND:  # purged, or the wallet is gone
                    raise

    async def delete_all(self, wallet_id: str) -> None:
        """The wallet is gone."""
        self._sums.pop(wallet_id, None)
        async with self._profile.session() as session:
            await session.handle.remove_all(CATEGORY, {"wallet": wallet_id})

    async def purge(self) -> None:
        """Remove what has waited for longer than KEPT_DAYS, whoever it was for."""
        # tags are encrypted, so they can be compared but not ordered; a clock may be a day off
        today = _today()
        recent = [str(today - day) for day in range(-1, KEPT_DAYS + 1)]
        self._sums.clear()
        async with self._profile.session() as session:
            await session.handle.remove_all(CATEGORY, {"$not": {"day": {"$in": recent}}})

    async def _all(self, store: Session, wallet_id: str) -> list[Entry]:
        found = list(await store.fetch_all(CATEGORY, {"wallet": wallet_id}))
        self._last = max(self._last, max((_number(each.name) for each in found), default=0))
        return found

    def _next_name(self) -> str:
        self._last += 1
        return f"{self._last:020d}-{secrets.token_hex(4)}"


def _sum(entries: list[Entry]) -> _Sum:
    return _Sum(len(entries), sum(len(each.raw_value) for each in entries))


def _number(name: str) -> int:
    return int(name.partition("-")[0])


def _today() -> int:
    return int(time.time() // _DAY_SECONDS)
