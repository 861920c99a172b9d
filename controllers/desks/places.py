"""The places of the desks' pages, and who sees the way to each. (Whether somebody may do what
a page is for, the page itself asks: here it is only about not showing what leads nowhere.)"""

from __future__ import annotations

from dataclasses import dataclass

from controllers.staff.people import Duty
from controllers.staff.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the bar; `key` names it in the language files, `key`.about says what it is."""

    path: str
    key: str
    duties: frozenset[Duty]

    def is_in(self, path: str) -> bool:
        """Whether an address belongs here."""
        return path == self.path or path.startswith(f"{self.path}/")


_ISSUE, _CHECK, _REVOKE, _ADMINISTER = (
    Duty.ISSUE,
    Duty.CHECK,
    Duty.REVOKE,
    Duty.ADMINISTER,
)

PLACES = (
    Place("/desk/issue", "place.issue", frozenset({_ISSUE})),
    Place("/desk/issued", "place.issued", frozenset({_ISSUE, _REVOKE})),
    Place("/desk/check", "place.check", frozenset({_CHECK})),
    Place("/desk/tasks", "place.tasks", frozenset({_ISSUE, _REVOKE, _ADMINISTER})),
    Place("/desk/people", "place.people", frozenset({_ADMINISTER})),
    Place("/desk/numbers", "place.numbers", frozenset({_ADMINISTER})),
    Place("/desk/deeds", "place.deeds", frozenset({_ADMINISTER})),
    Place("/desk/governance", "place.governance", frozenset({Duty.GOVERN})),
    Place("/desk/paper", "place.paper", frozenset({_ISSUE, _CHECK})),
)


def places_of(who: SignedIn) -> tuple[Place, ...]:
    """What somebody finds in the bar."""
    return tuple(each for each in PLACES if each.duties & who.duties)
