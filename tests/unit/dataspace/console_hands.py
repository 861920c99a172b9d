"""A person's hands at the console, on nodes in memory: opens pages, sends their forms."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from controllers.dataspace.console.app import console_app
from controllers.dataspace.console.entry import Console
from controllers.dataspace.console.members import Member, Members
from controllers.dataspace.console.sessions import Sessions
from controllers.staff.relying import RelyingParty
from tests.fakes.authenticator import Authenticator
from tests.fakes.dataspace_nodes import PLACES, FakeSpace

BASE = "http://localhost"
DAY = date(2025, 4, 1)


class _Forms(HTMLParser):
    """The fields of every form, as a browser would send them untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self._at: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._at = given.get("action", "")
            self.forms.setdefault(self._at, [])
        if self._at is None:
            return
        if tag == "select":
            self._select = given["name"]
            self.forms[self._at].append((self._select, ""))
        if tag == "option" and self._select:
            pairs = self.forms[self._at]
            if "selected" in given or pairs[-1] == (self._select, ""):
                pairs[-1] = (self._select, given["value"])
        if tag == "input" and "name" in given:
            ticked = given.get("type") != "checkbox" or "checked" in given
            if ticked:
                self.forms[self._at].append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._at = None
        if tag == "select":
            self._select = None


@dataclass
class Browser:
    """A browser of somebody."""

    client: httpx.AsyncClient
    answer: httpx.Response = field(init=False)

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def shown(self) -> str:
        """The words of the page, without marks."""
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", self.text)))

    async def open(self, path: str) -> httpx.Response:
        self.answer = await self.client.get(path)
        return self.answer

    def fields(self, action: str) -> list[tuple[str, str]]:
        """What a form of the page would send."""
        reader = _Forms()
        reader.feed(self.text)
        return reader.forms[action]

    async def send(self, action: str, *changed: tuple[str, str]) -> httpx.Response:
        """Send a form of the page, with some fields changed (their earlier values are gone)."""
        names = {name for name, _ in changed}
        pairs = [pair for pair in self.fields(action) if pair[0] not in names]
        return await self.post(action, [*pairs, *changed])

    async def post(
        self, path: str, pairs: list[tuple[str, str]], **options: Any
    ) -> httpx.Response:
        self.answer = await self.client.post(
            path,
            content=str(httpx.QueryParams(pairs)),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                **options.pop("headers", {}),
            },
            **options,
        )
        return self.answer


@dataclass
class Hands(Browser):
    """One at a console of nodes in memory."""

    console: Console
    space: FakeSpace


@asynccontextmanager
async def hands_at(
    space: FakeSpace, console: Console, *, signed_in: bool = True
) -> AsyncIterator[Hands]:
    """A browser at a console; of a sandbox of one's own it comes in by the link."""
    transport = httpx.ASGITransport(console_app(console))
    async with httpx.AsyncClient(
        transport=transport, base_url=BASE, follow_redirects=True
    ) as client:
        hands = Hands(client, console, space)
        if signed_in:
            secret = console.sessions.link("Somebody", tuple(PLACES))
            await hands.post("/enter", [("token", secret)])
        yield hands


def own_console(space: FakeSpace) -> Console:
    """A sandbox of one's own."""
    return Console(space.nodes(), Sessions(3600), BASE, DAY)


def hosted_console(space: FakeSpace, folder: Path) -> Console:
    """A hosted one."""
    members = Members(folder / "members.json", RelyingParty.at(BASE, "Data space"))
    return Console(space.nodes(), Sessions(900), BASE, DAY, members)


def cookie_of(console: Console, *places: str) -> str:
    """A session of somebody of these places."""
    return console.sessions.open("Somebody", places, "member")


def a_member(members: Members, place: str) -> tuple[Member, Authenticator]:
    """Somebody of an organisation, with her passkey."""
    secret, device = members.invite(place, "Dara"), Authenticator(BASE, "localhost")
    begun = members.begin_enrolment(secret)
    made = device.make(begun["options"])
    return members.finish_enrolment(secret, begun["ceremony"], made), device


def members_in(folder: Path, clock: Callable[[], float] = time.time) -> Members:
    return Members(folder / "members.json", RelyingParty.at(BASE, "Data space"), clock)
