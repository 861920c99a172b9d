"""Hands for the desks' pages without a browser: sign in, open, send a form of a page."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
from controllers_house import House

from controllers.desks.entry import COOKIE
from controllers.desks.texts import say_in
from controllers.staff.people import Duty, Person
from tests.support.passkeys import proven

BROWSER = "Mozilla/5.0 (a browser of a test)"
NAMES = ("input", "select", "textarea", "button")


@dataclass
class Form:
    """A form of a page: where it is sent, and what its fields hold."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Finds forms, and what no page may have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.wrong: list[str] = []
        self._form: Form | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._look(tag, given)
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "select":
            self._select = given.get("name")
        elif tag == "option" and self._form and self._select:
            if "selected" in given or self._select not in self._form.fields:
                self._form.fields[self._select] = given.get("value", "")
        elif tag in NAMES and self._form and given.get("name"):
            chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if tag != "button" and chosen:
                self._form.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None

    def _look(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "style" or "style" in given or (tag == "script" and "src" not in given):
            self.wrong.append(f"<{tag}> with something inline")
        self.wrong += [f"<{tag} {name}>" for name in given if name.startswith("on")]
        for name in ("src", "href", "action"):
            parts = urlsplit(given.get(name, ""))
            if parts.netloc or parts.scheme not in ("", "http", "https"):
                self.wrong.append(f"<{tag}> leads to {given[name]}")
        if "href" in given:
            self.links.append(given["href"])
        self.ids += [given["id"]] if "id" in given else []
        self.labels += [given["for"]] if "for" in given else []


@dataclass
class Page:
    """An answer that is a page."""

    answer: httpx.Response
    reader: _Reader

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def shown(self) -> str:
        """The text without its escapes."""
        return html.unescape(self.answer.text)

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        return self.answer.url.path

    def form(self, action: str) -> Form:
        """The form that is sent there."""
        found = [each for each in self.reader.forms if each.action == action]
        assert found, f"no form to {action}: {[each.action for each in self.reader.forms]}"
        return found[0]


@dataclass
class Hands:
    """Somebody signed in at a desk; every page that comes is looked at."""

    house: House
    person: Person
    client: httpx.AsyncClient
    language: str = "en"

    async def open(self, path: str, **options: object) -> Page:
        """A page."""
        return looked_at(await self.client.get(path, follow_redirects=True, **options))  # type: ignore[arg-type]

    async def send(self, page: Page, action: str, **fields: str | None) -> Page:
        """A form of a page, its fields filled in; None leaves one out."""
        form = page.form(action)
        assert form.method == "post"
        filled = {**form.fields, **fields}
        sent = {name: value for name, value in filled.items() if value is not None}
        address = action or page.path
        return looked_at(await self.client.post(address, data=sent, follow_redirects=True))

    async def post(self, path: str, fields: Mapping[str, str], csrf: str | None = "") -> Page:
        """A form that no page had; its token is right unless said otherwise."""
        token = await self.csrf() if csrf == "" else csrf
        sent = {**fields, **({"csrf": token} if token is not None else {})}
        return looked_at(await self.client.post(path, data=sent, follow_redirects=True))

    async def csrf(self) -> str:
        """The token of this session's pages."""
        return (await self.open("/desk")).form("/desk/sign-out").fields["csrf"]

    def says(self, key: str, **parts: object) -> str:
        """A sentence of the pages."""
        return say_in(self.language)(key, **parts)


def looked_at(answer: httpx.Response) -> Page:
    """Read a page; fails for what no page may have."""
    reader = _Reader()
    if answer.headers.get("content-type", "").startswith("text/html"):
        reader.feed(answer.text)
        assert reader.wrong == []
        assert len(reader.ids) == len(set(reader.ids)), "an id stands twice"
        assert set(reader.labels) <= set(reader.ids), "a label of no field"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    return Page(answer, reader)


async def hands_of(
    house: House,
    *duties: Duty,
    slug: str = "harbour",
    name: str = "Worker",
    language: str = "en",
    place_id: str | None = None,
) -> Hands:
    """Somebody new with these duties, signed in."""
    held: Collection[Duty] = duties
    person, _ = await house.haven.desks.people.enrol(
        house.of(slug).id, name, held, by=None, place_id=place_id
    )
    return await signed_in(house, person, language)


async def signed_in(house: House, person: Person, language: str = "en") -> Hands:
    """A browser that somebody is signed in with."""
    who = await proven(house.database, person.id)
    cookie = await house.haven.desks.sessions.open(who, browser=BROWSER, network="")
    client = house.client()
    client.headers.update({"User-Agent": BROWSER, "Accept-Language": language})
    client.cookies.set(COOKIE, cookie, domain="localhost.local", path="/desk")
    return Hands(house, person, client, language)
