"""The line between a phone and the server, which can be cut at one request.

A request is lost on its way, or it arrives and its answer is lost; from then on nothing gets
through until `back`. Nothing else differs from a network that is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Route

from tests.e2e.phones import Phone

_PREFIX = "/api/wallet"


@dataclass(frozen=True, slots=True)
class Cut:
    """Where: for example at the second "POST /links". A star stands for an id."""

    at: str
    nth: int = 1
    arrives: bool = False

    @property
    def name(self) -> str:
        """For a list of tests."""
        number = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.at}{number}, {'its answer' if self.arrives else 'not sent'}"

    def is_at(self, called: str) -> bool:
        pattern = re.escape(self.at).replace(r"\*", "[^/]+")
        return re.fullmatch(pattern, called) is not None


def cuts(*places: str | tuple[str, int]) -> list[Cut]:
    """Both ways to lose each of these requests."""
    named = [(each, 1) if isinstance(each, str) else each for each in places]
    return [Cut(at, nth, arrives) for at, nth in named for arrives in (False, True)]


@dataclass
class Line:
    """One phone's network; whole at first."""

    down: bool = False
    asked: list[str] = field(default_factory=list)  # what got through, as in `Cut.at`
    _cut: Cut | None = None
    _left: int = 0

    @classmethod
    async def of(cls, phone: Phone) -> Line:
        """Take hold of a phone's network."""
        line = cls()
        phone.expect("ERR_")  # the browser notes each request that failed
        await phone.context.route("**/api/**", line._carry)
        return line

    def cut(self, where: Cut) -> None:
        """Go down at that request, counted from now."""
        self._cut, self._left = where, where.nth

    def back(self) -> None:
        """The network is there again. It must have been gone."""
        assert self.down, "nothing was lost"
        self.down, self._cut = False, None

    async def _carry(self, route: Route) -> None:
        request = route.request
        called = f"{request.method} {urlsplit(request.url).path.removeprefix(_PREFIX)}"
        if not self.down and self._cut and self._cut.is_at(called):
            self._left -= 1
            if not self._left:
                await self._lose(route, arrives=self._cut.arrives)
                return
        if self.down:
            await route.abort("internetdisconnected")
            return
        self.asked.append(called)
        await route.continue_()

    async def _lose(self, route: Route, *, arrives: bool) -> None:
        self.down = True
        if arrives:
            await route.fetch()
        await route.abort("internetdisconnected")
