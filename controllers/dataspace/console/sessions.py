"""Who is at the console: links that open it once, and sessions, which end.

1. A link's secret is 256 random bits behind the #, which browsers send to nobody; it comes in
   the body of a request. Digests are kept, in memory, and compared in constant time.
2. A session is another 256 bits in a cookie that no script reads. It ends when nobody touched
   it for a while, after ten hours at the latest, and with the console.
3. It names the places (nodes) that its person may stand at: all of a sandbox on one's own
   machine, or exactly one. At a real node it holds the officer's key, in memory alone.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import Gone, NotAuthenticated
from core.secret import Secret

_LONGEST = 10 * 3600
_MOST_SESSIONS = 500


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(slots=True)
class Session:
    """One person's browser. `csrf` stands in every form of hers."""

    name: str
    places: tuple[str, ...]
    member: str | None  # None: the one person of a sandbox on her own machine
    opened: float
    seen: float
    key: Secret | None = None  # an officer's own, where the node is asked by it
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    places: tuple[str, ...]


class Sessions:
    """Links and sessions of one console."""

    def __init__(
        self, idle_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle = idle_seconds
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._links: dict[str, _Link] = {}

    def link(self, name: str, places: tuple[str, ...]) -> str:
        """The secret of a link that opens one session."""
        secret = secrets.token_urlsafe(32)
        self._links[digest(secret)] = _Link(name, places)
        return secret

    def use(self, secret: str) -> str:
        """Use a link up: the cookie's value. Raises Gone, the same for used and unknown."""
        link = self._links.pop(digest(secret), None)
        if link is None:
            raise Gone("This link has ended", code="invitation-ended")
        return self.open(link.name, link.places)

    def open(
        self,
        name: str,
        places: tuple[str, ...],
        member: str | None = None,
        key: Secret | None = None,
    ) -> str:
        """A session for who has just proved to be somebody: the cookie's value."""
        value, at = secrets.token_urlsafe(32), self._clock()
        self._open[digest(value)] = Session(name, places, member, at, at, key)
        while len(self._open) > _MOST_SESSIONS:
            del self._open[min(self._open, key=lambda each: self._open[each].seen)]
        return value

    def recognise(self, cookie: str | None, *, touch: bool = True) -> Session:
        """Whose a cookie is, as of now. Raises NotAuthenticated."""
        at = self._clock()
        found = self._open.get(digest(cookie or ""))
        if found is None or at - found.seen > self._idle or at - found.opened > _LONGEST:
            self.end(cookie)
            raise NotAuthenticated("Please sign in again", code="signed-out")
        if touch:
            found.seen = at
        return found

    def end(self, cookie: str | None) -> None:
        """Forget a session."""
        self._open.pop(digest(cookie or ""), None)


def is_meant(session: Session, token: str | None) -> bool:
    """Whether a form carries its session's token."""
    return secrets.compare_digest(session.csrf.encode(), (token or "").encode())
