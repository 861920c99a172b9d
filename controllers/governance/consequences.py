"""What a change of the framework means: who gains, who loses, which cards are affected."""

from __future__ import annotations

from dataclasses import dataclass

from governance.differences import Difference, credentials_affected, differences, level_of
from governance.engine import Framework
from governance.versions import Level


@dataclass(frozen=True, slots=True)
class Consequences:
    """The differences between two versions, and what they amount to."""

    before: Framework
    after: Framework
    differences: tuple[Difference, ...]
    level: Level
    credentials: tuple[str, ...]


def consequences(before: Framework, after: Framework) -> Consequences:
    """All of it, of two versions that follow each other."""
    found = differences(before, after)
    affected = credentials_affected(before, after) | _of_whom_it_is_about(before, after)
    return Consequences(before, after, found, level_of(found), tuple(sorted(affected)))


def _of_whom_it_is_about(before: Framework, after: Framework) -> frozenset[str]:
    """Cards that somebody has the authority to issue whose part in this is another one now."""
    touched = {
        did
        for did in before.participants.keys() | after.participants.keys()
        if before.participants.get(did) != after.participants.get(did)
    }
    grants = (*before.grants.values(), *after.grants.values())
    return frozenset(each.credential for each in grants if each.participant in touched)
