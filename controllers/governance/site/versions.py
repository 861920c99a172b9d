"""What the pages say of each version: read and verified once, then kept in few words.

A version never changes. So all that a page needs of an old one is worked out when it is first
asked for, in the order in which they followed each other.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from controllers.governance.service import GovernanceService
from core.errors import NotFound
from governance.differences import differences, level_of
from governance.loading import Accepted
from governance.model import Framework

_KEPT = 8  # whole frameworks, for questions about a day in the past


@dataclass(frozen=True, slots=True)
class Version:
    """One version in few words. `level` is that of its change, `topics` what it is about."""

    sequence: int
    version: str
    digest: str
    issued_at: datetime
    expires_at: datetime
    signed_by: frozenset[str]
    level: str
    topics: tuple[str, ...]


class Versions:
    """All versions, newest first."""

    def __init__(self, governance: GovernanceService) -> None:
        self._governance = governance
        self._known: list[Version] = []  # oldest first
        self._last: Accepted | None = None
        self._signed: tuple[int, frozenset[str]] = (0, frozenset())
        self._past: dict[int, Framework] = {}
        self._turn = asyncio.Lock()

    async def newest(self) -> tuple[Accepted, frozenset[str]]:
        """The newest one, and who signed it; without a look at those before. Raises NotFound
        before there is one."""
        accepted = await self._governance.newest()
        sequence = accepted.framework.sequence
        if self._signed[0] != sequence:
            self._signed = (sequence, await self._governance.signed_by(sequence))
        return accepted, self._signed[1]

    async def all(self) -> list[Version]:
        """Newest first. Raises NotFound before there is one."""
        newest = await self._governance.newest()
        return (await self._up_to(newest.framework.sequence))[::-1]

    async def numbered(self, version: str) -> Version:
        """The one with this semantic version. Raises NotFound."""
        for each in await self.all():
            if each.version == version:
                return each
        raise NotFound("There is no such version of the framework")

    async def in_force(self, moment: datetime) -> Framework:
        """The version that was the newest then. Raises NotFound before the first."""
        for each in await self.all():
            if each.issued_at <= moment:
                return await self._whole(each.sequence)
        raise NotFound("There was no governance framework then")

    async def _whole(self, sequence: int) -> Framework:
        if sequence not in self._past:
            self._past[sequence] = await self._governance.version(sequence)
            while len(self._past) > _KEPT:
                del self._past[next(iter(self._past))]
        return self._past[sequence]

    async def _up_to(self, newest: int) -> list[Version]:
        async with self._turn:
            reached = self._known[-1].sequence if self._known else 0
            for sequence in range(reached + 1, newest + 1):
                try:
                    accepted = await self._governance.accepted(sequence)
                except NotFound:  # numbers go up, and a very old row may have been left out
                    continue
                self._known.append(await self._told(accepted))
                self._last = accepted
                await asyncio.sleep(0)  # a long history does not hold up the others
        found = [each for each in self._known if each.sequence <= newest]
        if not found:
            raise NotFound("There is no such version of the framework")
        return found

    async def _told(self, accepted: Accepted) -> Version:
        framework = accepted.framework
        before = None if self._last is None else self._last.framework
        found = () if before is None else differences(before, framework)
        return Version(
            sequence=framework.sequence,
            version=framework.version,
            digest=accepted.digest,
            issued_at=framework.issued_at,
            expires_at=framework.expires_at,
            signed_by=await self._governance.signed_by(framework.sequence),
            level="first" if before is None else level_of(found).name.lower(),
            topics=tuple(dict.fromkeys(topic_of(each.kind) for each in found)),
        )


_TOPICS = {
    "variant": "check",
    "kept": "check",
    "reveal": "check",
    "conditions": "check",
    "threshold": "signer",
    "good": "good-until",
}


def topic_of(kind: str) -> str:
    """What a kind of difference is about, coarsely."""
    first = kind.partition("-")[0]
    return _TOPICS.get(first, first)
