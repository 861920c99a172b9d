"""The rules at a desk: at a glance, one participant, drafts with their signatures, history.

Four eyes is the threshold of the framework itself: who signs is an organisation, through a
person with the duty, and so many of them have to.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from controllers.desks.entry import DeskRoute, Sent
from controllers.desks.governing_shown import (
    can_come_back,
    did_behind,
    draft_in_words,
    grants_of,
    may_now,
    parts_of,
    parts_of_one,
    roles_now,
    waiting,
)
from controllers.desks.governing_voice import AtGoverning, voice_of
from controllers.governance.showing import history, signed_by
from controllers.governance.telling import Naming, day
from controllers.moment import now
from controllers.paging import RowId

router = APIRouter(prefix="/desk/governance", route_class=DeskRoute, include_in_schema=False)

_HISTORY_PAGE = 10
Key = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


@router.get("")
async def glance(desk: AtGoverning) -> HTMLResponse:
    """The version, who signs, who takes part, what waits."""
    framework, at = await desk.house.drafts.newest(), now()
    naming = Naming((framework,), desk.language)
    return desk.page(
        "governing.html",
        framework=framework,
        since=day(framework.issued_at),
        until=day(framework.expires_at),
        is_expired=framework.expires_at <= at,
        signed_by=signed_by(framework, naming),
        signers=sorted(naming.who(each) for each in framework.signers.current(at)),
        parts=parts_of(framework, desk.language, at),
        waiting=await waiting(desk),
    )


@router.get("/history")
async def past(
    desk: AtGoverning, before: Annotated[int | None, Query(ge=2, le=2**31 - 1)] = None
) -> HTMLResponse:
    """Every version, newest first, with what it changed."""
    newest = (await desk.house.drafts.newest()).sequence
    begin = newest if before is None else min(newest, before - 1)
    versions = await history(desk.house.governance, begin, _HISTORY_PAGE, desk.language)
    oldest = versions[-1].sequence if versions else 1
    return desk.page(
        "governing_history.html",
        versions=[(each, day(each.issued_at)) for each in versions],
        older=oldest if oldest > 1 else None,
    )


@router.get("/participants/{key}")
async def one(desk: AtGoverning, key: Key) -> HTMLResponse:
    """One organisation: its roles, its grants, and what it may do now."""
    framework, at = await desk.house.drafts.newest(), now()
    did = did_behind(framework, key)
    return desk.page(
        "governing_one.html",
        key=key,
        did=did,
        name=Naming((framework,), desk.language).who(did),
        parts=parts_of_one(framework, did, desk.language, at),
        may=may_now(framework, did, desk.language, at),
        grants=grants_of(framework, did, desk.language, at),
        is_in=bool(roles_now(framework, did, at)),
        can_come_back=can_come_back(framework, did, at),
    )


@router.get("/drafts/{draft_id}")
async def draft(desk: AtGoverning, draft_id: RowId) -> HTMLResponse:
    """What it means, and who has signed."""
    found = await desk.house.drafts.one(draft_id)
    return desk.page("governing_draft.html", **await draft_in_words(desk, found))


@router.post("/drafts/{draft_id}/sign")
async def sign(desk: AtGoverning, draft_id: RowId, sent: Sent) -> Response:
    """With the organisation's key, what the page showed; the last one puts it in force."""
    await desk.house.drafts.sign(draft_id, voice_of(desk), sent.get("digest", "nothing"))
    return desk.go(f"/desk/governance/drafts/{draft_id}")


@router.post("/drafts/{draft_id}/drop")
async def drop(desk: AtGoverning, draft_id: RowId, _sent: Sent) -> Response:
    """Nobody signs it any more."""
    await desk.house.drafts.drop(draft_id, voice_of(desk))
    return desk.go(f"/desk/governance/drafts/{draft_id}")


@router.post("/drafts/{draft_id}/again")
async def again(desk: AtGoverning, draft_id: RowId, _sent: Sent) -> Response:
    """The same, made anew on the newest version."""
    found = await desk.house.drafts.one(draft_id)
    made = await desk.house.drafts.make(found.operation, voice_of(desk))
    return desk.go(f"/desk/governance/drafts/{made.id}")
