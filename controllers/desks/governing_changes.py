"""The forms of what can be changed about the rules. Each makes a draft and leads to its page,
which says what it means; nothing is changed by a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse

from controllers.desks.entry import Desk, DeskRoute, Fields, Sent
from controllers.desks.governing import Key
from controllers.desks.governing_shown import (
    can_come_back,
    did_behind,
    grant_of,
    key_of,
    roles_now,
)
from controllers.desks.governing_voice import AtGoverning, voice_of
from controllers.governance.operations import (
    ComeBack,
    EndGrant,
    Join,
    Leave,
    Operation,
    Renew,
    Suspend,
    WithdrawGrant,
)
from controllers.governance.telling import Naming
from controllers.moment import now
from controllers.staff.people import plain_text
from core.errors import Conflict, InvalidInput, NotFound
from governance.engine import Framework

router = APIRouter(prefix="/desk/governance", route_class=DeskRoute, include_in_schema=False)

_LONGEST_NAME, _LONGEST_CODES = 120, 200
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
GrantId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]


# --- join -----------------------------------------------------------------------------------


@router.get("/join")
async def joining(desk: AtGoverning) -> HTMLResponse:
    """Who, in which role, until when, where."""
    return await _join_form(desk, {"organisation": desk.request.query_params.get("who", "")})


@router.post("/join")
async def join(desk: AtGoverning, sent: Sent) -> Response:
    """A draft of it."""
    framework = await desk.house.drafts.newest()
    wrong = await _mistakes(desk, framework, sent)
    if wrong:
        return await _join_form(desk, sent, wrong)
    until = _day(sent.get("until", ""))
    operation = Join(
        kind="join",
        organisation=(await _organisations(desk))[sent["organisation"]][0],
        role=sent["role"],
        name=plain_text(sent["name"], _LONGEST_NAME),
        jurisdictions=_codes(sent),
        until=until,
    )
    return await _drafted(desk, operation)


async def _join_form(
    desk: Desk, typed: Fields, wrong: frozenset[str] = frozenset()
) -> HTMLResponse:
    framework = await desk.house.drafts.newest()
    naming = Naming((framework,), desk.language)
    return desk.page(
        "governing_join.html",
        422 if wrong else 200,
        organisations=[
            (key, label) for key, (_, label) in (await _organisations(desk)).items()
        ],
        roles=[(each, naming.role(each)) for each in framework.roles],
        typed={name: typed.get(name, "") for name in _FIELDS},
        wrong=wrong,
        longest=_LONGEST_NAME,
        longest_codes=_LONGEST_CODES,
        tomorrow=now().date().isoformat(),
    )


_FIELDS = ("organisation", "role", "name", "until", "jurisdictions")


async def _organisations(desk: Desk) -> Mapping[str, tuple[str, str]]:
    """Those of this installation that have an identity: DID and label, by their keys."""
    everybody = await desk.house.organisations.all()
    return {key_of(each.did): (each.did, each.label) for each in everybody if each.did}


async def _mistakes(desk: Desk, framework: Framework, sent: Fields) -> frozenset[str]:
    wrong: set[str] = set()
    if sent.get("organisation") not in await _organisations(desk):
        wrong.add("organisation")
    if sent.get("role") not in framework.roles:
        wrong.add("role")
    try:
        plain_text(sent.get("name", ""), _LONGEST_NAME)
    except InvalidInput:
        wrong.add("name")
    try:
        until = _day(sent.get("until", ""))
    except InvalidInput:
        wrong.add("until")
    else:
        if until is not None and until <= now():
            wrong.add("until")
    if not all(_CODE.fullmatch(each) for each in _codes(sent)):
        wrong.add("jurisdictions")
    return frozenset(wrong)


def _codes(sent: Fields) -> list[str]:
    return sent.get("jurisdictions", "")[:_LONGEST_CODES].upper().replace(",", " ").split()


def _day(written: str) -> datetime | None:
    """The beginning of a day, in UTC; None if nothing was written. Raises InvalidInput."""
    if not written.strip():
        return None
    try:
        found = datetime.strptime(written.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as err:
        raise InvalidInput("This is not a day") from err
    if not 2000 <= found.year <= 2999:
        raise InvalidInput("This is not a day of our times")
    return found


# --- about one participant ------------------------------------------------------------------


@router.get("/participants/{key}/suspend")
async def suspending(desk: AtGoverning, key: Key) -> HTMLResponse:
    """Ask whether it is meant, and whether its key was stolen."""
    return await _ask(desk, "suspend", key)


@router.post("/participants/{key}/suspend")
async def suspend(desk: AtGoverning, key: Key, sent: Sent) -> Response:
    """A draft of it."""
    did = await _did(desk, key)
    withdraw = sent.get("withdraw") == "1"
    return await _drafted(
        desk, Suspend(kind="suspend", organisation=did, withdraw_grants=withdraw)
    )


@router.get("/participants/{key}/come-back")
async def coming_back(desk: AtGoverning, key: Key) -> HTMLResponse:
    """Ask until when."""
    return await _ask(desk, "come-back", key)


@router.post("/participants/{key}/come-back")
async def come_back(desk: AtGoverning, key: Key, sent: Sent) -> Response:
    """A draft of it."""
    did = await _did(desk, key)
    try:
        until = _day(sent.get("until", ""))
    except InvalidInput:
        return await _ask(desk, "come-back", key, sent)
    if until is not None and until <= now():
        return await _ask(desk, "come-back", key, sent)
    return await _drafted(desk, ComeBack(kind="come-back", organisation=did, until=until))


@router.get("/participants/{key}/leave")
async def leaving(desk: AtGoverning, key: Key) -> HTMLResponse:
    """Ask which role."""
    return await _ask(desk, "leave", key)


@router.post("/participants/{key}/leave")
async def leave(desk: AtGoverning, key: Key, sent: Sent) -> Response:
    """A draft of it. Raises NotFound for a role that it has not."""
    did, role = await _did(desk, key), sent.get("role") or None
    if role is not None and role not in (await desk.house.drafts.newest()).roles:
        raise NotFound("There is no such role")
    return await _drafted(desk, Leave(kind="leave", organisation=did, role=role))


async def _did(desk: Desk, key: str) -> str:
    return did_behind(await desk.house.drafts.newest(), key)


async def _ask(desk: Desk, what: str, key: str, typed: Fields | None = None) -> HTMLResponse:
    framework, at = await desk.house.drafts.newest(), now()
    did = did_behind(framework, key)
    roles = roles_now(framework, did, at)
    if not (can_come_back(framework, did, at) if what == "come-back" else roles):
        raise Conflict("This organisation takes no part now, or is not suspended")
    naming = Naming((framework,), desk.language)
    return desk.page(
        "governing_change.html",
        200 if typed is None else 422,
        what=what,
        name=naming.who(did),
        title=desk.say(f"governing.{what}", who=naming.who(did)),
        about=desk.say(f"governing.{what}.about"),
        action=f"/desk/governance/participants/{key}/{what}",
        back=f"/desk/governance/participants/{key}",
        roles=[(each, naming.role(each)) for each in dict.fromkeys(roles)],
        until=(typed or {}).get("until", ""),
        wrong=typed is not None,
        tomorrow=at.date().isoformat(),
    )


# --- about a grant, and the rules as a whole ------------------------------------------------


@router.get("/grants/{grant_id}/end")
async def ending_grant(desk: AtGoverning, grant_id: GrantId) -> HTMLResponse:
    """Ask whether it is meant."""
    return await _ask_about_grant(desk, "end-grant", grant_id)


@router.post("/grants/{grant_id}/end")
async def end_grant(desk: AtGoverning, grant_id: GrantId, _sent: Sent) -> Response:
    """A draft of it."""
    return await _drafted(desk, EndGrant(kind="end-grant", grant=grant_id))


@router.get("/grants/{grant_id}/withdraw")
async def withdrawing_grant(desk: AtGoverning, grant_id: GrantId) -> HTMLResponse:
    """Ask whether it is meant: there is no way back."""
    return await _ask_about_grant(desk, "withdraw-grant", grant_id)


@router.post("/grants/{grant_id}/withdraw")
async def withdraw_grant(desk: AtGoverning, grant_id: GrantId, _sent: Sent) -> Response:
    """A draft of it."""
    return await _drafted(desk, WithdrawGrant(kind="withdraw-grant", grant=grant_id))


@router.post("/renew")
async def renew(desk: AtGoverning, _sent: Sent) -> Response:
    """A draft of the same rules, good for another while."""
    return await _drafted(desk, Renew(kind="renew"))


async def _ask_about_grant(desk: Desk, what: str, grant_id: str) -> HTMLResponse:
    framework = await desk.house.drafts.newest()
    grant = grant_of(framework, grant_id)
    naming = Naming((framework,), desk.language)
    who = naming.who(grant.participant)
    tail = what.removesuffix("-grant")
    return desk.page(
        "governing_change.html",
        what=what,
        name=f"{who} · {naming.credential(grant.credential)}",
        title=desk.say(f"governing.kind.{what}"),
        about=desk.say(f"governing.{what}.about", who=who),
        action=f"/desk/governance/grants/{grant_id}/{tail}",
        back=f"/desk/governance/participants/{key_of(grant.participant)}",
        roles=[],
        until="",
        wrong=False,
        tomorrow="",
    )


async def _drafted(desk: Desk, operation: Operation) -> Response:
    made = await desk.house.drafts.make(operation, voice_of(desk))
    return desk.go(f"/desk/governance/drafts/{made.id}")
