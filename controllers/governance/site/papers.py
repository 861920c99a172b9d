"""The documents as PDF: made in a thread, one at a time, and kept for their version.

Making one takes seconds of a processor. So a second reader of the same paper is given what was
made for the first, and when many different ones wait, the next is asked to come again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from fastapi import APIRouter, Request, Response

from controllers.governance.site.pages import Reading, answer, refusal, render
from controllers.governance.site.service import Newest, Site, names, text_for
from controllers.governance.site.shown import name_of
from controllers.governance.site.texts import called, minute
from controllers.governance.site.typesetting import Book, Part, typeset
from core.errors import NotFound, Unavailable
from governance.controlled import Text

_MOST_KEPT = 48  # every document in three languages, and all of them together
_MOST_WAITING = 8
_PDF = "application/pdf"

type Key = tuple[str, str, str]


class Papers:
    """Papers that were made, the last used ones; and the turn in which others are."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, bytes] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def paper(self, key: Key, book: Book) -> bytes:
        """A book as PDF. Raises Unavailable when too many wait."""
        if key not in self._made:
            await self._make(key, book)
        self._made.move_to_end(key)
        return self._made[key]

    async def _make(self, key: Key, book: Book) -> None:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("Many papers are being made; please try again in a minute")
        self._waiting += 1
        try:
            async with self._turn:
                if key not in self._made:
                    self._made[key] = await asyncio.to_thread(typeset, book)
                    while len(self._made) > _MOST_KEPT:
                        self._made.popitem(last=False)
        finally:
            self._waiting -= 1


def papers(site: Site, made: Papers) -> APIRouter:
    """The routes; anybody may print what anybody may read."""
    router = APIRouter(include_in_schema=False)

    @router.get("/governance/framework.pdf")
    async def whole(request: Request) -> Response:
        return await _answered(site, made, request, names(), "framework")

    @router.get("/governance/documents/{name}.pdf")
    async def one(request: Request, name: str) -> Response:
        found = (name,) if name in names() else ()
        return await _answered(site, made, request, found, name)

    return router


async def _answered(
    site: Site, made: Papers, request: Request, wanted: tuple[str, ...], name: str
) -> Response:
    reading = Reading(request)
    try:
        newest = await site.newest()
        book = _book(site, newest, reading, wanted)
        key = (newest.digest, name, reading.language)
        data = await made.paper(key, book)
    except NotFound:
        return _refused(site, reading, "error", NotFound.status)
    except Unavailable:
        return _refused(site, reading, "busy", Unavailable.status)
    file = f"{name}-{newest.framework.version}-{reading.language}.pdf"
    shown = {"Content-Disposition": f'inline; filename="{file}"'}
    version = newest.framework.version
    return answer(request, data, version, media_type=_PDF, headers=shown)


def _refused(site: Site, reading: Reading, key: str, status: int) -> Response:
    content = render("error.html", reading, key=key, leave_to=site.leave_to)
    again = {"Retry-After": "60"} if status == Unavailable.status else {}
    return refusal(content, status, again)


def _book(site: Site, newest: Newest, reading: Reading, wanted: tuple[str, ...]) -> Book:
    say, language, framework = reading.say, reading.language, newest.framework
    texts = [each for each in (text_for(name, language) for name in wanted) if each]
    if not texts:
        raise NotFound("There is no such document")
    authority = name_of(framework, framework.authority, language)
    title = called(language, "document", texts[0].name)
    return Book(
        title=title if len(texts) == 1 else say("pdf.title", authority=authority),
        # one document is in the language that it is there in
        language=texts[0].language if len(texts) == 1 else language,
        authority=authority,
        version=framework.version,
        digest=newest.digest,
        issued_at=framework.issued_at,
        parts=tuple(_part(site, newest, reading, text) for text in texts),
        facts=(
            (say("fact.version"), framework.version),
            (say("fact.from"), minute(framework.issued_at)),
            (say("fact.until"), minute(framework.expires_at)),
            (say("fact.governs"), f"{authority}, {framework.authority}"),
            (say("fact.digest"), newest.digest),
        ),
    )


def _part(site: Site, newest: Newest, reading: Reading, text: Text) -> Part:
    warning = ""
    if not newest.is_official(text):
        warning = reading.say("official.no", version=newest.framework.version)
    return Part(
        title=called(reading.language, "document", text.name),
        content=text.content,
        values=site.values(newest.framework, text),
        digest=text.digest,
        warning=warning,
        language=text.language,
    )
