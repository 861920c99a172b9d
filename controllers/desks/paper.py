"""Paper: a sheet in plain words to hand over, and the way to a wallet without a phone.

The sheet says nothing about anybody: it is the same for all, and a telephone number or a name
is written on it by hand. What a card carries is made in the wallet app, on the device, and
never comes near these pages (docs/adr/0031). Before the device is turned to somebody else, the
session on it ends: whoever sits there then goes back to nothing of ours.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from controllers.desks.entry import COOKIE, Desk, DeskRoute, Sent, with_duty
from controllers.desks.pages import HEADERS
from controllers.desks.texts import say_in
from controllers.staff.people import Duty

router = APIRouter(prefix="/desk/paper", route_class=DeskRoute, include_in_schema=False)

AtPaper = Annotated[Desk, Depends(with_duty(Duty.ISSUE, Duty.CHECK))]
_WALLET = "/wallet/kiosk"
SHEET = ("what", "yours", "no", "sees", "phone", "lost", "help")


@router.get("")
async def paper(desk: AtPaper) -> HTMLResponse:
    """What can be printed, and how somebody without a phone gets a wallet."""
    return desk.page("paper.html")


@router.post("/wallet")
async def wallet(desk: AtPaper, _sent: Sent) -> Response:
    """Sign out, and open the wallet's page for somebody else in the place of this one."""
    await desk.house.desks.sessions.end(desk.request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(_WALLET, 303, headers=dict(HEADERS))
    answer.delete_cookie(COOKIE, path="/desk")
    return answer


@router.get("/sheet")
async def sheet(
    desk: AtPaper, spoken: Annotated[Literal["en", "es", "km"], Query(alias="in")] = "en"
) -> HTMLResponse:
    """The sheet in the language of the one who gets it, not of the one who prints it."""
    return desk.page("paper_sheet.html", spoken=spoken, tell=say_in(spoken), parts=SHEET)
