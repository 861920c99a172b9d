"""Who is at the console: links that open it once, and sessions, which end.

1. A link's secret is 256 random bits behind the #, which browsers send to nobody; it comes in
   the body of a request. Digests are kept, in memory, and compared in constant time.
2. A session is another 256 bits in a cookie that no script reads. It ends when nobody touched
   it for a while, after ten hours at the latest, in another browser, and with the console;
   when it has ended it is dropped, with what it holds, whether its cookie comes again or not.
3. It names the places (nodes) that its person may stand at: all of a sandbox on one's own
   machine, or exactly one. At a real node it holds the officer's key, in memory alone.
4. One person's newest session ends her own oldest; where an organisation has too many, the
   newest is refused. Nobody's session ends because of another one's.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import Gone, NotAuthenticated, TooManyRequests
from core.secret import Secret

_LONGEST = 10 * 3600
_MOST_OF_PLACE = 200
_MOST_OF_ONE = 5
_SWEPT_EVERY = 60.0  # seconds


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
    browser: str | None = None  # a digest of what her browser says it is; None: any
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def is_by(self, member: str | None, key: Secret | None) -> bool:
        """Whether it is of this person: a member, or an officer by her key."""
        if key is not None:
            return self.key is not None and self.key.reveal() == key.reveal()
        return member is not None and self.member == member


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
        self._sweeping: asyncio.TimerHandle | None = None

    def link(self, name: str, places: tuple[str, ...]) -> str:
        """The secret of a link that opens one session."""
        secret = secrets.token_urlsafe(32)
        self._links[digest(secret)] = _Link(name, places)
        return secret

    def use(self, secret: str, *, browser: str | None = None) -> str:
        """Use a link up: the cookie's value. Raises Gone, the same for used and unknown;
        TooManyRequests."""
        link = self._links.pop(digest(secret), None)
        if link is None:
            raise Gone("This link has ended", code="invitation-ended")
        return self.open(link.name, link.places, browser=browser)

    def open(
        self,
        name: str,
        places: tuple[str, ...],
        member: str | None = None,
        key: Secret | None = None,
        *,
        browser: str | None = None,
    ) -> str:
        """A session for who has just proved to be somebody: the cookie's value. Raises
        TooManyRequests: too many are open where she wants to stand."""
        self.drop_past()
        own = [name for name, each in self._open.items() if each.is_by(member, key)]
        for oldest in sorted(own, key=lambda name: self._open[name].seen)[: 1 - _MOST_OF_ONE]:
            del self._open[oldest]
        if sum(each.places == places for each in self._open.values()) >= _MOST_OF_PLACE:
            raise TooManyRequests("Too many people are signed in here", code="sessions-many")
        value, at = secrets.token_urlsafe(32), self._clock()
        told = None if browser is None else digest(browser)
        self._open[digest(value)] = Session(name, places, member, at, at, key, told)
        self._sweep_later()
        return value

    def recognise(
        self, cookie: str | None, *, browser: str | None = None, touch: bool = True
    ) -> Session:
        """Whose a cookie is, as of now; without a browser it is not looked from where.
        Raises NotAuthenticated; from another browser the session ends by it."""
        at = self._clock()
        found = self._open.get(digest(cookie or ""))
        if found is None or not self._lives(found, at) or not _is_at_home(found, browser):
            self.end(cookie)
            raise NotAuthenticated("Please sign in again", code="signed-out")
        if touch:
            found.seen = at
        return found

    def drop_past(self) -> None:
        """Forget every session that has ended, with what it holds."""
        at = self._clock()
        self._open = {name: s for name, s in self._open.items() if self._lives(s, at)}

    def _lives(self, session: Session, at: float) -> bool:
        return at - session.seen <= self._idle and at - session.opened <= _LONGEST

    def _sweep_later(self) -> None:
        """While there are sessions somebody looks now and then which have ended."""
        if self._sweeping is not None or not self._open:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # nobody serves pages here
        self._sweeping = loop.call_later(min(_SWEPT_EVERY, self._idle), self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        self.drop_past()
        self._sweep_later()

    def end(self, cookie: str | None) -> None:
        """Forget a session."""
        self._open.pop(digest(cookie or ""), None)


def _is_at_home(session: Session, browser: str | None) -> bool:
    if session.browser is None or browser is None:
        return True
    return secrets.compare_digest(session.browser, digest(browser))


def is_meant(session: Session, token: str | None) -> bool:
    """Whether a form carries its session's token."""
    return secrets.compare_digest(session.csrf.encode(), (token or "").encode())
