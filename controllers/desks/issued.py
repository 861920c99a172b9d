"""What was issued here: found by one's own reference, followed, withdrawn, issued anew.

A reference never stands in an address. Whoever asks for many that are not there is stopped for
an hour: a list of references must not be tried out at a desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from controllers.desks import live, shown
from controllers.desks.entry import AtIssued, AtIssuing, AtRevoking, Desk, DeskRoute, Sent
from controllers.desks.texts import is_said
from controllers.issuer.moving import MOVE_ASKED, Replacement
from controllers.issuer.rows import OPEN, State
from controllers.issuer.service import ENDED
from controllers.moment import now
from controllers.paging import Cursor, RowId, page
from controllers.qr import qr_code
from controllers.staff.deeds import as_deed, count, hold, note
from controllers.staff.options import Option
from controllers.staff.people import Duty
from controllers.staff.proposals import Kind
from controllers.store.brief import Steps
from controllers.store.models import Issuance
from core.errors import Conflict, InvalidInput, TooManyTries
from credential_defs import load_all

router = APIRouter(prefix="/desk/issued", route_class=DeskRoute, include_in_schema=False)

PAGE = 30
BECAUSE = ("asked-by-holder", "lost", "mistake", "not-entitled", "safety")
_IN_VAIN, _MOST_IN_VAIN, _WITHIN = "searched-in-vain", 20, timedelta(hours=1)
_OPEN = frozenset(state.value for state in OPEN)
_UNSIGNED = _OPEN - {State.SENT.value, State.ISSUING.value}
_LAST = ENDED | {"revoked"}

type Show = Literal["all", "open", "move", "withdrawn"]
_SHOWN = {
    "all": (),
    "open": (Issuance.state.in_(sorted(_OPEN)),),
    "move": MOVE_ASKED,
    "withdrawn": (Issuance.revoked_at.is_not(None),),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An issuance as a list shows it."""

    issuance: Issuance
    title: str
    reference: str | None
    replaced_by: Replacement | None

    @property
    def state(self) -> str:
        """The word for where it stands, withdrawn before all else."""
        if self.issuance.revoked_at is not None:
            return "withdrawn"
        return "open" if self.issuance.state in _OPEN else self.issuance.state


@router.get("")
async def listing(
    desk: AtIssued,
    show: Annotated[Show, Query()] = "all",
    cursor: Cursor = None,
) -> HTMLResponse:
    """The newest first."""
    rows, following = await page(
        desk.house.database, Issuance, desk.organisation.id, PAGE, cursor, only=_SHOWN[show]
    )
    return desk.page(
        "issued_list.html",
        lines=await lines_of(desk, rows),
        following=following,
        show=show,
        shows=tuple(_SHOWN),
        searched=None,
    )


@router.get("/search")
async def no_search(desk: AtIssued) -> Response:
    """A search is not an address: whoever comes back to one finds the list."""
    return desk.go("/desk/issued")


@router.post("/search")
async def search(desk: AtIssued, sent: Sent) -> HTMLResponse:
    """By one's own reference, whole. Raises TooManyTries."""
    reference = sent.get("reference", "").strip()
    organisation, person = desk.organisation, desk.who.person_id

    def look(steps: Steps) -> list[Issuance]:
        hold(steps, person)  # many searches at once are counted one after the other
        if count(steps, person, _IN_VAIN, now() - _WITHIN) >= _MOST_IN_VAIN:
            raise TooManyTries("Too many searches found nothing", code="too-many-searches")
        found = desk.house.issuer.by_reference(steps, organisation, reference)
        note(steps, organisation.id, person, "searched" if found else _IN_VAIN)
        return found

    found = await desk.house.database.write(look)
    return desk.page(
        "issued_list.html",
        lines=await lines_of(desk, found),
        following=None,
        show="all",
        shows=tuple(_SHOWN),
        searched=reference,
    )


@router.get("/{issuance_id}")
async def one(desk: AtIssued, issuance_id: RowId) -> HTMLResponse:
    """One of them, with its code to scan while it is open."""
    return desk.page("issued_one.html", **await _shown(desk, issuance_id))


@router.get("/{issuance_id}/part")
async def part(desk: AtIssued, issuance_id: RowId) -> HTMLResponse:
    """The part of that page that changes by itself."""
    return desk.part("issued_live.html", **await _shown(desk, issuance_id))


@router.get("/{issuance_id}/live", response_class=StreamingResponse)
async def stream(
    desk: AtIssued, issuance_id: RowId, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> StreamingResponse:
    """That something moved."""
    await desk.house.issuer.get(desk.organisation, issuance_id)
    return live.follow(desk, issuance_id, after, _LAST)


@router.post("/{issuance_id}/take-back")
async def take_back(desk: AtIssuing, issuance_id: RowId, _sent: Sent) -> Response:
    """End an offer before anything was signed. Raises Conflict."""
    deed = as_deed(desk.organisation.id, desk.who.person_id, "taken-back")
    await desk.house.issuer.cancel(desk.organisation, issuance_id, deed)
    return desk.go(f"/desk/issued/{issuance_id}")


@router.get("/{issuance_id}/withdraw")
async def withdrawing(desk: AtRevoking, issuance_id: RowId) -> HTMLResponse:
    """Ask why, and whether it is meant."""
    return await _withdrawing(desk, issuance_id, wrong=False)


@router.post("/{issuance_id}/withdraw")
async def withdraw(desk: AtRevoking, issuance_id: RowId, sent: Sent) -> Response:
    """Withdraw it; or ask a colleague, where the organisation wants two for it."""
    because = sent.get("because", "")
    if because not in BECAUSE:
        return await _withdrawing(desk, issuance_id, wrong=True)
    issuance = await desk.house.issuer.get(desk.organisation, issuance_id)
    if issuance.registry_id is None or issuance.revoked_at is not None:
        raise Conflict("There is nothing to withdraw", code="nothing-to-withdraw")
    options = await desk.house.desks.options.on(desk.organisation.id)
    if Option.TWO_FOR_WITHDRAWING not in options:
        return await withdraw_now(desk, issuance_id, because)
    made = await desk.house.desks.proposals.propose(
        desk.organisation.id,
        Kind.WITHDRAW,
        {"because": because},
        by=desk.who.person_id,
        subject_id=issuance_id,
    )
    return desk.go(f"/desk/tasks/{made.id}")


async def withdraw_now(desk: Desk, issuance_id: str, because: str) -> Response:
    """Withdraw one; every check refuses it from now."""
    if because not in BECAUSE:
        raise InvalidInput("This is no reason of ours", code="no-reason")
    deed = as_deed(desk.organisation.id, desk.who.person_id, "withdrawn")
    await desk.house.issuer.revoke(
        desk.organisation, [issuance_id], because=because, beside=deed
    )
    return desk.go(f"/desk/issued/{issuance_id}")


async def lines_of(desk: Desk, issuances: Sequence[Issuance]) -> list[Line]:
    """Issuances as a list shows them."""
    replaced = await desk.house.issuer.moves.replacements([each.id for each in issuances])
    return [
        Line(
            issuance=each,
            title=title_of(each.credential, desk.language),
            reference=desk.house.issuer.reference_of(each),
            replaced_by=replaced.get(each.id),
        )
        for each in issuances
    ]


def title_of(credential: str, language: str) -> str:
    """What a credential is called at a desk."""
    definition = load_all().get(credential)
    return credential if definition is None else definition.title(language)


async def _shown(desk: Desk, issuance_id: str) -> dict[str, Any]:
    known, issuance = await asyncio.gather(
        desk.house.events.last(issuance_id),
        desk.house.issuer.get(desk.organisation, issuance_id),
    )
    line = (await lines_of(desk, [issuance]))[0]
    path = f"/desk/issued/{issuance_id}"
    is_open = issuance.state in _OPEN
    told = shown.kept(desk.request, desk, path) if issuance.state in _UNSIGNED else None
    link = told.address(desk.house) if told else None
    return {
        "line": line,
        "issuance": issuance,
        "is_open": is_open,
        "listening": is_open and issuance.revoked_at is None,
        "known": known,
        "link": link,
        "picture": qr_code(link).svg if link else None,
        "code": told.code if told else None,
        "minutes": max(0, int((issuance.expires_at - now()).total_seconds() // 60)),
        "reason": issuance.reason if is_said("en", f"issuing.why.{issuance.reason}") else None,
        "can_take_back": issuance.state in _UNSIGNED and Duty.ISSUE in desk.who.duties,
        "can_withdraw": issuance.registry_id is not None
        and issuance.revoked_at is None
        and Duty.REVOKE in desk.who.duties,
        "can_reissue": issuance.state == State.ISSUED
        and issuance.revoked_at is None
        and line.replaced_by is None
        and Duty.ISSUE in desk.who.duties,
    }


async def _withdrawing(desk: Desk, issuance_id: str, *, wrong: bool) -> HTMLResponse:
    issuance = await desk.house.issuer.get(desk.organisation, issuance_id)
    options = await desk.house.desks.options.on(desk.organisation.id)
    return desk.page(
        "issued_withdraw.html",
        422 if wrong else 200,
        line=(await lines_of(desk, [issuance]))[0],
        because=BECAUSE,
        wrong=wrong,
        two=Option.TWO_FOR_WITHDRAWING in options,
    )
