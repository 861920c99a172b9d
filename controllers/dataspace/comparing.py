"""Whether the logs of all nodes say the same, and are still the ones that they were before.

After each run every node holds what all others wrote about it against its own
(dataspace.recording.heads), and asks every other for what was added since it last looked: a
log that was rewritten does not lead from the head that is remembered to the one that is shown.
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
    sign_head,
    verify_head,
)
from dataspace.recording.log import verify_chain, verify_entry

SINCE = "log-since"
_MOST_TURNS = 50  # of MOST_SHOWN entries each


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

    async def disagreements(self, tag: str, entries: Any, terms: Terms) -> Sequence[str]:
        """Codes of what does not agree about a run: in what all nodes wrote of it, and in what
        became of their logs since they were last looked at."""
        others = _entries(entries)
        own = await self._journal.about(tag)
        found = compare_heads(own, others, tag, who=terms.participants, me=self._identity.did)
        codes = [each.code for each in found.disagreements]
        seen = await self.look_at_all()
        return [*codes, *(each.code for each in seen if each.code is not None)]

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
        except VerificationError as error:
            code = error.code if error.code != error.slug else f"log-{error.step}"
            return Seen(member.did, None, None, code)
        except HavenError as error:
            return Seen(member.did, None, None, error.code)
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


def _documents(value: Any) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise VerificationError("these are no entries of a log", step="form")
    return value


def _entries(value: Any) -> Mapping[str, Sequence[Json]]:
    if not isinstance(value, dict):
        raise VerificationError("these are no entries of logs", step="form")
    return {str(did): _documents(each) for did, each in value.items()}
