"""The framework's pages, for people: no sign-in, no script, nothing written down of a reader.

GET /governance                        what it is, for those whom it protects first
GET /governance/documents              the documents in words, each as page and PDF
GET /governance/participants           who takes part
GET /governance/who-may                what each role may do, and a question to the rules
GET /governance/checks                 what desks may ask, see and keep
GET /governance/history                every version
GET /governance/search?q=              a word in all of this
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from controllers.governance.discovery import TRQP, TRUST_LIST
from controllers.governance.site import asking, searching, shown
from controllers.governance.site.files import files
from controllers.governance.site.pages import (
    CHANGES,
    NOT_KEPT,
    Reading,
    answer,
    refusal,
    render,
)
from controllers.governance.site.papers import Papers, papers
from controllers.governance.site.service import (
    FOR_YOU,
    Newest,
    Site,
    contact,
    current_moment,
    documents,
    signers,
    text_for,
)
from core.errors import NotFound

_ON_ONE_PAGE = 100  # versions

type Handler = Callable[[Request], Awaitable[Response]]
type Show = Callable[[Site, Newest, Reading], Awaitable[Response]]


def routers(site: Site) -> tuple[APIRouter, ...]:
    """To be included by the public app."""
    return files(site), papers(site, Papers()), pages(site)


def pages(site: Site) -> APIRouter:
    """The pages in HTML; what they say, the API says to software."""
    router = APIRouter(include_in_schema=False)
    shows: dict[str, Show] = {
        "": _start,
        "/documents": _documents,
        "/documents/{name}": _one,
        "/participants": _participants,
        "/who-may": _who_may,
        "/checks": _checks,
        "/history": _history,
        "/search": _search,
    }
    for path, show in shows.items():
        router.add_api_route(f"/governance{path}", _page(site, show))
    return router


def _page(site: Site, show: Show) -> Handler:
    """A handler that begins as all do, and answers in words where there is nothing."""

    async def handle(request: Request) -> Response:
        reading = Reading(request)
        try:
            newest = await site.newest()
        except NotFound:
            return _refused(site, reading, "none")
        try:
            return await show(site, newest, reading)
        except NotFound:
            return _refused(site, reading, "error")

    return handle


def _refused(site: Site, reading: Reading, key: str) -> Response:
    content = render("error.html", reading, key=key, leave_to=site.leave_to)
    return refusal(content, NotFound.status)


def _sent(
    site: Site,
    newest: Newest,
    reading: Reading,
    place: str,
    *,
    template: str | None = None,
    kept: bool = True,
    **context: Any,
) -> Response:
    context |= {"place": place, "newest": newest, "leave_to": site.leave_to}
    content = render(f"{template or place.replace('-', '_')}.html", reading, **context)
    caching = CHANGES if kept else NOT_KEPT
    return answer(reading.request, content, newest.framework.version, caching=caching)


async def _start(site: Site, newest: Newest, reading: Reading) -> Response:
    text = text_for(FOR_YOU, reading.language)
    if text is None:
        raise NotFound("There is no such page")
    framework, opaque = newest.framework, newest.framework.authority.rpartition(":")[2]
    return _sent(
        site,
        newest,
        reading,
        "start",
        page=site.page(newest, text, reading),
        text=text,
        official=newest.is_official(text),
        governs=shown.name_of(framework, framework.authority, reading.language),
        contact=contact(framework, reading.language),
        where=shown.jurisdictions(framework.jurisdictions, reading.say),
        signers=signers(newest, reading.language),
        machines=(
            ("framework", "/governance/framework.json"),
            ("version", f"/o/{opaque}/framework/{framework.version}.json"),
            ("trust-list", TRUST_LIST),
            ("trqp", TRQP),
        ),
    )


async def _documents(site: Site, newest: Newest, reading: Reading) -> Response:
    listed = documents(newest, reading.language)
    return _sent(site, newest, reading, "documents", documents=listed)


async def _one(site: Site, newest: Newest, reading: Reading) -> Response:
    text = text_for(str(reading.request.path_params["name"]), reading.language)
    if text is None:
        raise NotFound("There is no such document")
    return _sent(
        site,
        newest,
        reading,
        "documents",
        template="document",
        page=site.page(newest, text, reading),
        text=text,
        official=newest.is_official(text),
    )


async def _participants(site: Site, newest: Newest, reading: Reading) -> Response:
    language = reading.language
    return _sent(
        site,
        newest,
        reading,
        "participants",
        participants=shown.participants(newest.framework, language, current_moment()),
        endorsements=shown.endorsements(newest.framework, language),
    )


async def _who_may(site: Site, newest: Newest, reading: Reading) -> Response:
    language, now = reading.language, current_moment()
    question = asking.Question.of(reading.request.query_params, now.date())
    answered = None
    if question.is_asked:
        answered = await asking.answer(site.versions, newest.framework, question, language, now)
    organisations = {
        each.did: each.name for each in shown.participants(newest.framework, language, now)
    }
    return _sent(
        site,
        newest,
        reading,
        "who-may",
        roles=shown.roles(newest.framework, language),
        resources=shown.resources(newest.framework, language),
        organisations=organisations,
        question=question,
        answer=answered,
        kept=not question.is_asked,
    )


async def _checks(site: Site, newest: Newest, reading: Reading) -> Response:
    found = shown.checks(newest.framework, reading.language)
    return _sent(site, newest, reading, "checks", checks=found)


async def _history(site: Site, newest: Newest, reading: Reading) -> Response:
    before = reading.request.query_params.get("before", "")
    found = await site.versions.all()
    if before.isascii() and before.isdigit() and len(before) < 10:
        found = [each for each in found if each.sequence < int(before)]
    names = {
        did: shown.name_of(newest.framework, did, reading.language)
        for each in found[:_ON_ONE_PAGE]
        for did in each.signed_by
    }
    return _sent(
        site,
        newest,
        reading,
        "history",
        versions=found[:_ON_ONE_PAGE],
        older=len(found) > _ON_ONE_PAGE,
        names=names,
    )


async def _search(site: Site, newest: Newest, reading: Reading) -> Response:
    asked = reading.request.query_params.get("q", "")[: searching.MOST_CHARACTERS].strip()
    enough = searching.is_long_enough(asked)
    found = searching.search(site.passages(newest, reading), asked) if enough else []
    return _sent(
        site,
        newest,
        reading,
        "search",
        asked=asked,
        enough=enough,
        found=found[: searching.MOST_FOUND],
        more=len(found) > searching.MOST_FOUND,
        kept=not asked,
    )
