"""Whether the logs of all nodes say the same, and are still the ones that they were before.

After each run every node holds what all others wrote about it against its own
(dataspace.recording.heads), and asks every other for what was added since it last looked: a
log that was rewritten does not lead from the head that is remembered to the one that is shown.
In a log with two faces the entries of which all are told do not stand, at one of the peers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.peers import Peers
from core.canonical import Json
from core.clock import Clock
from core.errors import HavenError, Unavailable, VerificationError
from dataspace.agreeing.agreement import Participant, Terms
from dataspace.recording.heads import (
    compare_heads,
    require_extension,
    require_remembered,
    require_standing,
    sign_head,
    verify_head,
)
from dataspace.recording.log import Kind, LogEntry, verify_chain, verify_entry

SINCE = "log-since"
_MOST_TURNS = 50  # of MOST_SHOWN entries each
_MOST_DURING = 10  # the same, written during one run


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at one peer. `code` says what is wrong, None: nothing."""

    did: str
    entries: int | None
    head: str | None
    code: str | None

    @property
    def agrees(self) -> bool:
        return self.code is None


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found about a run: codes of what does not agree, and of each log the hash of its
    last entry about it, as it stands in the log that was shown here."""

    codes: Sequence[str]
    logs: Mapping[str, str]


class Comparing:
    """One node's view of all logs."""

    def __init__(
        self, identity: Identity, journal: Journal, peers: Peers, clock: Clock, seconds: float
    ) -> None:
        self._identity, self._journal, self._peers = identity, journal, peers
        self._clock, self._seconds = clock, seconds
        peers.on(SINCE, self._on_since)

    async def _on_since(self, _sender: Participant, body: Json) -> Json:
        """What stands at a number, and what came after it, with the head that it leads to."""
        after = body.get("after")
        if type(after) is not int or after < 0:
            raise VerificationError("an entry has a number", step="form")
        at = await self._journal.entry(after) if after else None
        entries = await self._journal.entries(after)
        last = entries[-1] if entries else at
        head = self._head_of(last) if last is not None else None
        return {"at": at, "entries": list(entries), "head": head}

    def _head_of(self, document: Json) -> Json:
        entry = verify_entry(document, self._identity.did, self._identity.signer.multikey)
        last, now = (entry.number, entry.digest), self._clock.now()
        return sign_head(last, self._identity.signer, self._identity.did, now)

    # --- one run ------------------------------------------------------------------------

    async def compared(self, tag: str, entries: Any, terms: Terms) -> Compared:
        """What all nodes wrote of a run, what became of their logs since they were last looked
        at, and whether the one stands in the other."""
        others = _entries(entries)
        own = await self._journal.about(tag)
        found = compare_heads(own, others, tag, who=terms.participants, me=self._identity.did)
        looks = (self._stands(each, found.said.get(each.did)) for each in self._peers.others)
        wrong = [code for code in await asyncio.gather(*looks) if code is not None]
        return Compared([*(e.code for e in found.disagreements), *wrong], found.faces)

    async def _stands(
        self, member: Participant, said: Mapping[Kind, LogEntry] | None
    ) -> str | None:
        """What is wrong with a log as it is shown here, beside its entries about a run."""
        seen = await self.look_at(member)
        if seen.code is not None or said is None:
            return seen.code
        try:
            # read before it is asked: what it shows has to reach this head, and may go on
            head = await self._journal.remembered(member.did)
            numbers = [each.number for each in said.values()]
            last = max(numbers) if head is None else max(*numbers, head.number)
            since = await self._between(member, min(numbers), last)
            require_standing(said.values(), head, since, member.key)
        except HavenError as error:
            return _code_of(error)
        return None

    async def _between(self, member: Participant, after: int, last: int) -> list[Json]:
        """What a peer's log shows after a number, at least as far as the last that is wanted:
        much may be written during a run, and one answer holds only so much."""
        found: list[Json] = []
        for _ in range(_MOST_DURING):
            wanted = {"after": after + len(found)}
            shown = await self._peers.ask(member, SINCE, wanted, seconds=self._seconds)
            entries = _documents(shown.get("entries"))
            found += entries
            if not entries or after + len(found) >= last:
                return found
        raise Unavailable("A node's log is longer than what is read of it")

    async def look_at_all(self) -> Sequence[Seen]:
        """Every other node's log, held against what is remembered of it."""
        return await asyncio.gather(*(self.look_at(each) for each in self._peers.others))

    async def look_at(self, member: Participant) -> Seen:
        """One node's log since it was last looked at, verified and remembered."""
        try:
            for _ in range(_MOST_TURNS):
                seen, more = await self._turn(member)
                if not more:
                    return seen
        except HavenError as error:
            return Seen(member.did, None, None, _code_of(error))
        return Seen(member.did, None, None, Unavailable.slug)

    async def _turn(self, member: Participant) -> tuple[Seen, bool]:
        remembered = await self._journal.remembered(member.did)
        after = remembered.number if remembered is not None else 0
        shown = await self._peers.ask(member, SINCE, {"after": after}, seconds=self._seconds)
        entries = _documents(shown.get("entries"))
        if remembered is not None:
            require_remembered(remembered, shown.get("at"), member.key)
        if shown.get("head") is None:
            return _empty(member, remembered is None and not entries), False
        head = verify_head(shown["head"], member.did, member.key)
        if remembered is not None:
            require_extension(remembered, head, entries, member.key)
        elif verify_chain(entries, member.did, member.key).head != (head.number, head.hash):
            raise VerificationError("the log does not lead to its head", step="log-rewritten")
        await self._journal.remember(member, shown["head"])
        return Seen(member.did, head.number, head.hash, None), head.number > after


def _empty(member: Participant, is_new: bool) -> Seen:
    """A log without a head: right for one that never had an entry."""
    return Seen(member.did, 0, None, None if is_new else "log-rewritten")


def _code_of(error: HavenError) -> str:
    if isinstance(error, VerificationError) and error.code == error.slug:
        return f"log-{error.step}"
    return error.code


def _documents(value: Any) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise VerificationError("these are no entries of a log", step="form")
    return value


def _entries(value: Any) -> Mapping[str, Sequence[Json]]:
    if not isinstance(value, dict):
        raise VerificationError("these are no entries of logs", step="form")
    return {str(did): _documents(each) for did, each in value.items()}
