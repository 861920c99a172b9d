"""The verifier's desk: one button, a code to scan, a verdict.

What was shown stands on the page for as long as the policy keeps it, and not a moment longer:
the page takes it away by itself, and is not kept by the browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from controllers.desks import live, shown
from controllers.desks.asking import (
    Asked,
    askable,
    asked_for,
    failed,
    in_words,
    learnt,
    parameters_of,
    permission_in_words,
    title_of,
)
from controllers.desks.entry import AtChecking, Desk, DeskRoute, Sent
from controllers.desks.pages import SECONDS_UNTIL_AWAY
from controllers.moment import now
from controllers.organisations.service import did_of
from controllers.paging import Cursor, RowId, page
from controllers.qr import qr_code
from controllers.staff.deeds import as_deed
from controllers.store.models import Check
from controllers.verifier.service import State, Verdict
from core.errors import InvalidInput, NotFound

router = APIRouter(prefix="/desk/check", route_class=DeskRoute, include_in_schema=False)

CheckName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
PAGE = 30
LAST = frozenset(verdict.value for verdict in Verdict)


@router.get("")
async def checks(desk: AtChecking) -> HTMLResponse:
    """A button for each check that may be made here."""
    return await _buttons(desk, {}, frozenset())


@router.post("/start/{name}")
async def start(desk: AtChecking, name: CheckName, sent: Sent) -> Response:
    """Begin a check, and show its code."""
    check = await asked(desk, name, sent)
    framework = await desk.house.governance.current()
    try:
        parameters = parameters_of(check, framework.checks[name].parameters, sent)
    except InvalidInput as err:
        wrong = frozenset(str(err.extra.get("fields", "")).split(","))
        return await _buttons(desk, sent, wrong, name)
    made, told = await begin(desk, name, parameters)
    path = f"/desk/check/one/{made.id}"
    answer = desk.go(path)
    shown.keep(answer, desk, path, told, made.expires_at)
    return answer


@router.get("/start/{name}")
async def not_started(desk: AtChecking, name: CheckName) -> Response:
    """A check is begun by its button: whoever comes back to the address finds the buttons."""
    del name
    return desk.go("/desk/check")


@router.get("/past")
async def past(desk: AtChecking, cursor: Cursor = None) -> HTMLResponse:
    """Checks made here, newest first: verdicts, and nothing of what was shown."""
    rows, following = await page(desk.house.database, Check, desk.organisation.id, PAGE, cursor)
    framework = await desk.house.governance.current()
    titles = {row.name: title_of(framework, row.name, desk.language) for row in rows}
    return desk.page("checking_past.html", checks=rows, titles=titles, following=following)


@router.get("/one/{check_id}")
async def one(desk: AtChecking, check_id: RowId) -> HTMLResponse:
    """One check: its code while it waits, then its verdict."""
    context = await result_of(desk, check_id)
    away = context["gone_in"] or SECONDS_UNTIL_AWAY
    return desk.page("checking_one.html", away_after=min(away, SECONDS_UNTIL_AWAY), **context)


@router.get("/one/{check_id}/part")
async def part(desk: AtChecking, check_id: RowId) -> HTMLResponse:
    """The part of that page that changes by itself."""
    return desk.part("checking_live.html", **await result_of(desk, check_id))


@router.get("/one/{check_id}/live", response_class=StreamingResponse)
async def stream(
    desk: AtChecking, check_id: RowId, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> StreamingResponse:
    """That something moved."""
    await desk.house.verifier.get(desk.organisation, check_id)
    return live.follow(desk, check_id, after, LAST)


@router.post("/one/{check_id}/stop")
async def stop(desk: AtChecking, check_id: RowId, _sent: Sent) -> Response:
    """Close a check that waits."""
    deed = as_deed(desk.organisation.id, desk.who.person_id, "check-stopped")
    await desk.house.verifier.cancel(desk.organisation, check_id, deed)
    return desk.go(f"/desk/check/one/{check_id}")


@router.get("/one/{check_id}/give-back")
async def giving_back(desk: AtChecking, check_id: RowId) -> HTMLResponse:
    """Ask whether it is meant."""
    check = await desk.house.verifier.get(desk.organisation, check_id)
    return desk.page("checking_give_back.html", check=check)


@router.post("/one/{check_id}/give-back")
async def give_back(desk: AtChecking, check_id: RowId, _sent: Sent) -> Response:
    """Give back what a check reserved. Raises Conflict."""
    deed = as_deed(desk.organisation.id, desk.who.person_id, "given-back")
    await desk.house.verifier.release(desk.organisation, check_id, deed)
    return desk.go(f"/desk/check/one/{check_id}")


async def asked(desk: Desk, name: str, typed: Mapping[str, str]) -> Asked:
    """A check that may be made here. Raises NotFound for another one."""
    for each in await _askable(desk, typed):
        if each.name == name:
            return each
    raise NotFound("This organisation makes no such check", code="no-such-check")


async def begin(
    desk: Desk, name: str, parameters: Mapping[str, int | str]
) -> tuple[Check, shown.Shown]:
    """Begin a check; what may be shown of it for now."""
    deed = as_deed(desk.organisation.id, desk.who.person_id, "check-started")
    check, link = await desk.house.verifier.start(
        desk.organisation, name, parameters, place_id=desk.who.place_id, beside=deed
    )
    return check, shown.Shown(token=link.token, subject_id=check.id)


async def result_of(desk: Desk, check_id: str, *, look: bool = True) -> dict[str, Any]:
    """All that a page shows of a check; `look`: also what was disclosed, which is noted."""
    known, check, framework = await asyncio.gather(
        desk.house.events.last(check_id),
        desk.house.verifier.get(desk.organisation, check_id),
        desk.house.governance.current(),
    )
    told = shown.kept(desk.request, desk, desk_path(desk, check_id))
    waits = check.state == State.WAITING and check.expires_at > now()
    link = told.address(desk.house) if told and waits else None
    results = in_words(framework, check, desk.language, desk.say)
    values = desk.house.verifier.disclosed(check) if look else None
    if values:
        await _noted(desk, "disclosed-read", check_id)
    until = check.disclosed_until if values else None
    return {
        "check": check,
        "title": title_of(framework, check.name, desk.language),
        "asked_for": asked_for(framework, check, desk.language),
        "known": known,
        "listening": check.state != State.DONE,
        "link": link,
        "picture": qr_code(link).svg if link else None,
        "minutes": max(0, int((check.expires_at - now()).total_seconds() // 60)),
        "results": results,
        "against": failed(results),
        "permission": permission_in_words(framework, check, desk.language),
        "learnt": learnt(framework, check, values or {}, desk.language),
        "until": until,
        "gone_in": max(1, int((until - now()).total_seconds()) + 1) if until else 0,
        "may_give_back": check.verdict == Verdict.ACCEPTED
        and any(each["name"] == "once" for each in check.result or []),
        "has_fields": bool(framework.checks[check.name].parameters)
        if check.name in framework.checks
        else True,
    }


def desk_path(desk: Desk, check_id: str) -> str:
    """The page that the code of a check is shown on."""
    return "/desk/kiosk" if desk.who.kiosk else f"/desk/check/one/{check_id}"


async def _askable(desk: Desk, typed: Mapping[str, str]) -> list[Asked]:
    framework = await desk.house.governance.current()
    return askable(framework, did_of(desk.organisation), desk.language, now(), typed)


async def _buttons(
    desk: Desk, typed: Mapping[str, str], wrong: frozenset[str], name: str = ""
) -> HTMLResponse:
    found = await _askable(desk, typed)
    return desk.page(
        "checking_choose.html",
        422 if wrong else 200,
        checks=found,
        wrong=wrong,
        wrong_in=name,
        plain=[each for each in found if not each.fields],
    )


async def _noted(desk: Desk, what: str, check_id: str) -> None:
    await desk.house.desks.deeds.note(desk.organisation.id, desk.who.person_id, what, check_id)
